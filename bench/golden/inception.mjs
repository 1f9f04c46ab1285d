// Activations of InceptionV3, stage by stage, on two photographs: writes test/golden/inception.json.
//
// The graph is that of a Keras model, as the npm package nsfwjs has it; the weights are drawn by a formula.
//
//   node scripts/fetch-encoder.mjs --out build/inception
//   npm ci --prefix bench && node bench/golden/inception.mjs build/inception
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import jpeg from 'jpeg-js';
import { drawnWeights } from './drawn-weights.mjs';
import { compactJson } from './inputs.mjs';
import { float32Decimal, loadModel, source, useBackend } from './tfjs.mjs';

const repository = join(import.meta.dirname, '../..');
// Of the library as it was built last; a static import would need it for a mere check of the sources.
const { Random } = await import(join(repository, 'dist', 'ekphrasis.js'));
const photographs = ['photographer.jpg', 'astronaut.jpg'];
/** The golden file's name of a stage, and the Keras layer whose output it is. */
const stages = {
  conv1: 'activation_1',
  conv2: 'activation_2',
  conv3: 'activation_3',
  pool1: 'max_pooling2d_1',
  conv4: 'activation_4',
  conv5: 'activation_5',
  pool2: 'max_pooling2d_2',
  ...Object.fromEntries(Array.from({ length: 11 }, (_, block) => [`mixed${block}`, `mixed${block}`])),
};
const SAMPLES = 512;
/** Stages that captioners read, kept as means over the places of each channel too: every activation counts there. */
const pooled = ['mixed5', 'mixed7', 'mixed10'];
// A prime that divides no stage's size: the sampled places wander over rows, columns and channels alike.
const STRIDE = 104_729;

function preprocess(path) {
  const { width, height, data } = jpeg.decode(readFileSync(path), { useTArray: true, formatAsRGBA: false });
  return tf.tidy(() => {
    const image = tf.tensor3d(Float32Array.from(data), [height, width, 3]);
    const resized = tf.image.resizeBilinear(image, [299, 299], false, true);
    return tf.expandDims(tf.sub(tf.div(resized, 127.5), 1), 0);
  });
}

function channelMeans(data, channels) {
  const sums = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) sums[i % channels] += data[i];
  return Array.from(sums, (sum) => Number(((sum * channels) / data.length).toPrecision(7)));
}

async function summary(tensor) {
  const data = await tensor.data();
  let largest = 0;
  let sum = 0;
  let squares = 0;
  for (const value of data) {
    largest = Math.max(largest, Math.abs(value));
    sum += value;
    squares += value * value;
  }
  const samples = Array.from({ length: SAMPLES }, (_, k) => float32Decimal(data[(k * STRIDE) % data.length]));
  return {
    shape: tensor.shape,
    maxAbs: float32Decimal(largest),
    maxAbsIndex: data.findIndex((value) => Math.abs(value) === largest),
    mean: Number((sum / data.length).toPrecision(9)),
    rms: Number(Math.sqrt(squares / data.length).toPrecision(9)),
    samples,
  };
}

/** Puts drawn weights in the place of the model's own, by the layers' names. */
function setDrawnWeights(model) {
  const convolutions = Array.from({ length: 94 }, (_, index) => model.getLayer(`conv2d_${index + 1}`));
  const shapes = convolutions.map((layer) => layer.getWeights()[0].shape);
  for (const [index, { kernel, beta, mean, variance }] of drawnWeights(shapes, Random).entries()) {
    convolutions[index].setWeights([tf.tensor(kernel, shapes[index])]);
    const norm = model.getLayer(`batch_normalization_${index + 1}`);
    norm.setWeights([beta, mean, variance].map((values) => tf.tensor1d(values)));
  }
}

/** Every stage's full activations on one backend, and the seconds that the model took. */
async function activations(folder, backend, photograph) {
  await useBackend(backend);
  const model = await loadModel(folder);
  setDrawnWeights(model);
  const probe = layers.model({
    inputs: model.inputs,
    outputs: Object.values(stages).map((name) => model.getLayer(name).output),
  });
  const input = preprocess(join(repository, 'test/images', photograph));
  const started = performance.now();
  const outputs = probe.predict(input);
  await outputs.at(-1).data();
  const seconds = (performance.now() - started) / 1000;
  return { input, outputs, seconds };
}

const folder = process.argv[2];
if (!folder) {
  console.error('usage: node bench/golden/inception.mjs DIR (made by scripts/fetch-encoder.mjs --out DIR)');
  process.exit(2);
}

const images = {};
for (const photograph of photographs) {
  const exact = await activations(folder, 'cpu', photograph);
  const golden = { input: await summary(exact.input), stages: {} };
  const exactData = await Promise.all(exact.outputs.map((output) => output.data()));
  for (const [index, name] of Object.keys(stages).entries())
    golden.stages[name] = await summary(exact.outputs[index]);
  for (const name of pooled) {
    const data = exactData[Object.keys(stages).indexOf(name)];
    golden.stages[name].channelMeans = channelMeans(data, golden.stages[name].shape.at(-1));
  }

  const fast = await activations(folder, 'wasm', photograph);
  for (const [index, name] of Object.keys(stages).entries()) {
    const data = await fast.outputs[index].data();
    const difference = data.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - exactData[index][i])),
      0,
    );
    golden.stages[name].wasmDifference = Number((difference / golden.stages[name].maxAbs).toPrecision(3));
  }
  images[photograph] = golden;
  const { seconds: cpu } = exact;
  console.error(`${photograph}: tfjs-cpu ${cpu.toFixed(1)} s, tfjs-wasm ${fast.seconds.toFixed(1)} s`);
}

const about = {
  ...source('cpu', 'inception.mjs DIR'),
  weights: 'bench/golden/drawn-weights.mjs',
  preprocessing:
    'jpeg-js 0.4.4, RGB, resizeBilinear to 299x299 (half-pixel centres, no antialiasing), x / 127.5 - 1, NHWC',
  samples: `samples[k] = flat[(k * ${STRIDE}) mod size], k = 0..${SAMPLES - 1}`,
  maxAbsIndex: 'flat index of the first activation as large as maxAbs',
  channelMeans: 'mean over the 17x17 or 8x8 places, summed in float64, seven digits',
  stages,
  wasmDifference: 'largest difference of tfjs-wasm to tfjs-cpu over the whole stage, as a share of maxAbs',
};
const target = join(repository, 'test/golden/inception.json');
const text = compactJson({ about, images });
writeFileSync(target, text);
console.error(`${target}: ${text.length} bytes`);
