// One-step decoders of both layouts, tiny, decoded greedily: writes test/golden/decoder.json.
//
//   npm ci --prefix bench && node bench/golden/decoder.mjs
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { input as inputOf, layers, model as modelOf } from '@tensorflow/tfjs-layers';
import { compactJson, stored, tensor, values } from './inputs.mjs';
import { source, useBackend } from './tfjs.mjs';

const SOS = 2;
const STEPS = 4;
const size = { encoding: 12, places: 6, units: 8, embedding: 5, vocabulary: 20, attention: 7 };

const stateInputs = () => ({
  h: inputOf({ shape: [size.units], name: 'h' }),
  c: inputOf({ shape: [size.units], name: 'c' }),
  word: inputOf({ shape: [1], name: 'word' }),
});
const embedding = () =>
  layers.embedding({ inputDim: size.vocabulary, outputDim: size.embedding, name: 'embedding' });
const lstm = (recurrentActivation) =>
  layers.lstm({
    units: size.units,
    recurrentActivation,
    // The default initialiser needs tfjs's chained methods, which tfjs-core alone does not install.
    recurrentInitializer: 'zeros',
    returnState: true,
    name: 'lstm',
  });
const output = () => layers.dense({ units: size.vocabulary, activation: 'softmax', name: 'output' });

/** Image encoding (12) first, then the word (5), into the LSTM; outputs probabilities, h, c. */
function plainDecoder(recurrentActivation) {
  const { h, c, word } = stateInputs();
  const encoding = inputOf({ shape: [size.encoding], name: 'encoding' });
  const image = layers.reshape({ targetShape: [1, size.encoding] }).apply(encoding);
  const step = layers.concatenate({ axis: -1 }).apply([image, embedding().apply(word)]);
  const [hidden, nextH, nextC] = lstm(recurrentActivation).apply(step, { initialState: [h, c] });
  return modelOf({ inputs: [encoding, h, c, word], outputs: [output().apply(hidden), nextH, nextC] });
}

/** Bahdanau attention over 6 places of 12; the context (12) first, then the word; outputs the weights of the places too. */
function attentionDecoder(recurrentActivation) {
  const { h, c, word } = stateInputs();
  const encodings = inputOf({ shape: [size.places, size.encoding], name: 'encodings' });
  const features = layers.dense({ units: size.attention, name: 'attention.features' }).apply(encodings);
  const repeated = layers.repeatVector({ n: size.places }).apply(h);
  const hiddenPart = layers.dense({ units: size.attention, name: 'attention.hidden' }).apply(repeated);
  const joined = layers.activation({ activation: 'tanh' }).apply(layers.add().apply([features, hiddenPart]));
  const scores = layers.dense({ units: 1, name: 'attention.score' }).apply(joined);
  // tfjs has softmax over the last axis alone.
  const alphas = layers
    .activation({ activation: 'softmax' })
    .apply(layers.reshape({ targetShape: [1, size.places] }).apply(scores));
  const context = layers.dot({ axes: [2, 1] }).apply([alphas, encodings]);
  const step = layers.concatenate({ axis: -1 }).apply([context, embedding().apply(word)]);
  const [hidden, nextH, nextC] = lstm(recurrentActivation).apply(step, { initialState: [h, c] });
  return modelOf({
    inputs: [encodings, h, c, word],
    outputs: [output().apply(hidden), nextH, nextC, alphas],
  });
}

const dense = (name, from, to, seed, scale) => ({
  [`${name}.kernel`]: values([from, to], seed, scale),
  [`${name}.bias`]: values([to], seed + 1),
});

/** Weights by the names of decoder.safetensors. */
function weightsOf(attention, seed) {
  const { units, encoding, vocabulary } = size;
  return {
    'embedding.embeddings': values([vocabulary, size.embedding], seed, 2),
    ...(attention && {
      ...dense('attention.features', encoding, size.attention, seed + 11, 1),
      ...dense('attention.hidden', units, size.attention, seed + 21, 2),
      ...dense('attention.score', size.attention, 1, seed + 31, 2),
    }),
    'lstm.kernel': values([encoding + size.embedding, 4 * units], seed + 41),
    'lstm.recurrentKernel': values([units, 4 * units], seed + 42),
    'lstm.bias': values([4 * units], seed + 43),
    ...dense('output', units, vocabulary, seed + 51, 4),
  };
}

function setWeights(model, weights) {
  for (const layer of model.layers.filter(({ weights: own }) => own.length > 0)) {
    const names = Object.keys(weights).filter((name) => name.startsWith(`${layer.name}.`));
    layer.setWeights(names.map((name) => tensor(weights[name])));
  }
}

function greedy(model, encoding) {
  const batch = encoding.shape[0];
  let h = tf.zeros([batch, size.units]);
  let c = tf.zeros([batch, size.units]);
  let words = Array(batch).fill(SOS);
  return Array.from({ length: STEPS }, () => {
    const given = tf.tensor(words, [batch, 1], 'float32');
    const [probabilities, nextH, nextC, alphas] = model.predict([tensor(encoding), h, c, given]);
    const step = {
      words,
      probabilities: stored(probabilities),
      h: stored(nextH),
      c: stored(nextC),
      ...(alphas && { alphas: stored(tf.squeeze(alphas, [1])) }),
    };
    [h, c] = [nextH, nextC];
    words = Array.from(tf.argMax(probabilities, 1).dataSync());
    step.nextWords = words;
    return step;
  });
}

/** The smallest lead of the greedy word over the runner-up: a near tie would make the ids depend on rounding. */
function smallestLead(steps) {
  const leads = steps.flatMap(({ probabilities: { shape, data } }) =>
    Array.from({ length: shape[0] }, (_, row) => {
      const [first, second] = data.slice(row * shape[1], (row + 1) * shape[1]).sort((a, b) => b - a);
      return first - second;
    }),
  );
  return Math.min(...leads);
}

await useBackend('cpu');
const layouts = [
  { name: 'v1', build: plainDecoder, recurrentActivation: 'sigmoid', encodingShape: [2, size.encoding] },
  {
    name: 'v1, hard sigmoid',
    build: plainDecoder,
    recurrentActivation: 'hardSigmoid',
    encodingShape: [2, size.encoding],
  },
  {
    name: 'v2',
    build: attentionDecoder,
    recurrentActivation: 'sigmoid',
    encodingShape: [2, size.places, size.encoding],
  },
];
const decoders = layouts.map(({ name, build, recurrentActivation, encodingShape }, index) => {
  const attention = build === attentionDecoder;
  const weights = weightsOf(attention, 411 + 100 * index);
  const encoding = values(encodingShape, 481 + 100 * index);
  const model = build(recurrentActivation);
  setWeights(model, weights);
  const steps = greedy(model, encoding);
  const lead = smallestLead(steps);
  if (lead < 1e-3) throw new Error(`${name}: two words are within ${lead} of each other; change the seed`);
  const captions = encoding.shape[0];
  const ids = Array.from({ length: captions }, (_, row) => steps.map(({ nextWords }) => nextWords[row]));
  console.error(`${name}: greedy ids ${JSON.stringify(ids)}, smallest lead ${lead.toPrecision(2)}`);
  return { name, attention, recurrentActivation, encoding, weights, steps, greedyIds: ids };
});

const about = {
  ...source('cpu', 'decoder.mjs'),
  start: `word ${SOS}, h = c = 0; decoding goes on for ${STEPS} steps whatever word comes`,
  order: 'LSTM input: image encoding (v1) or context (v2) first, then the word; gates i, f, c, o',
};
const target = join(import.meta.dirname, '../../test/golden/decoder.json');
const text = compactJson({ about, size, decoders });
writeFileSync(target, text);
console.error(`${target}: ${text.length} bytes`);
