// The parts of fine-tuning an encoder; the command is tested in fine-tune-cli.test.ts.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { augmentImage } from '../src/captioner/images/augment-image.ts';
import { averagePrecision, meanAveragePrecision } from '../src/captioner/metrics/average-precision.ts';
import { WordsObjective } from '../src/captioner/training/encoder/encoder-objective.ts';
import { EncoderTrainer, TrainedEncoder } from '../src/captioner/training/encoder/encoder-trainer.ts';
import { WordTargets } from '../src/captioner/training/encoder/word-targets.ts';
import { EkphrasisError, UnsupportedError } from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { InceptionV3 } from '../src/nn/inception-v3/inception-v3.ts';
import { binaryCrossEntropy } from '../src/nn/losses.ts';
import { MovingAverage } from '../src/nn/moving-average.ts';
import { Adam } from '../src/nn/optimisers/adam.ts';
import { SGD } from '../src/nn/optimisers/sgd.ts';
import { Random } from '../src/nn/random.ts';
import { Parameter } from '../src/tensor/parameter.ts';
import { scope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { checkFunction } from './gradient-check.ts';

const onDevice = await eachDevice(test);

const records = [
  { image: 'a', captions: ['A dog runs.', 'the dog, a dog', 'one animal runs', 'a puppy'] },
  { image: 'b', captions: ['a cat', 'the cat sits'] },
];

test('the words of captions: the commonest, each with the share of an image’s captions that have it', () => {
  const targets = WordTargets.commonest(records, 4);
  // a: 4 captions, cat, dog, runs and the: 2 each, in the order of the alphabet.
  assert.equal(targets.words, ['a', 'cat', 'dog', 'runs']);
  assert.equal([...targets.rows(records)], [0.75, 0, 0.5, 0.5, 0.5, 1, 0, 0]);
  assert.is(WordTargets.commonest(records, 100).words.length, 9);
});

test('average precision is the mean of the precisions at the relevant items', () => {
  assert.is(averagePrecision([0.9, 0.8, 0.1], [true, false, true]), (1 + 2 / 3) / 2);
  assert.is(averagePrecision([1, 2, 3], [true, false, false]), 1 / 3);
  assert.ok(Number.isNaN(averagePrecision([1, 2], [false, false])));
  // Two columns; the first is ranked perfectly, the second has nothing relevant.
  const scores = Float32Array.of(3, 1, 2, 2, 1, 3);
  assert.is(meanAveragePrecision(scores, Float32Array.of(0.4, 0, 1, 0, 0, 0), 2, 2), 1);
  assert.is(meanAveragePrecision(scores, Float32Array.of(0, 0, 0, 0, 1, 0), 2, 1), 1 / 3);
});

test('an image is varied by its seed alone, within the limits, and left alone where nothing is asked for', () => {
  const data = Uint8Array.from({ length: 8 * 6 * 3 }, (_, index) => (index * 37) % 256);
  const image = { width: 8, height: 6, data };
  const none = { flip: false, crop: 1, colour: 0 };
  assert.equal(augmentImage(image, none, new Random(1)), image);
  const all = { flip: true, crop: 0.5, colour: 0.3 };
  assert.equal(augmentImage(image, all, new Random(3)), augmentImage(image, all, new Random(3)));
  const sizes = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const { width, height, data: varied } = augmentImage(image, all, new Random(seed));
    assert.ok(width >= 4 && width <= 8 && height >= 3 && height <= 6);
    assert.is(varied.length, width * height * 3);
    sizes.add(`${width}×${height}`);
  }
  assert.ok(sizes.size > 5);
  const mirrored = Uint8Array.from(data, (_, index) => {
    const [pixel, channel] = [Math.floor(index / 3), index % 3];
    return data[(Math.floor(pixel / 8) * 8 + 7 - (pixel % 8)) * 3 + channel];
  });
  const flips = Array.from({ length: 40 }, (_, seed) =>
    augmentImage(image, { ...none, flip: true }, new Random(seed)).data.join(),
  );
  assert.equal(new Set(flips), new Set([data.join(), mirrored.join()]));
});

onDevice(
  'binary cross-entropy is that of the sigmoid, without overflow, and has its gradient',
  async (device) => {
    const logits = [-200, -1, 0, 2, 200];
    const targets = [0, 0.25, 1, 0.5, 1];
    const loss = scope(() =>
      binaryCrossEntropy(Tensor.from(device, logits, [1, 5]), Tensor.from(device, targets, [1, 5])),
    );
    const terms = logits.map(
      (z, index) => Math.max(z, 0) - z * targets[index] + Math.log1p(Math.exp(-Math.abs(z))),
    );
    compare('loss', await loss.data(), Float64Array.of(terms.reduce((sum, term) => sum + term) / 5), 1e-6);
    loss.dispose();
    await checkFunction(device, { logits: floatSample([2, 3], 1, -3, 3) }, ({ logits }, on) =>
      binaryCrossEntropy(logits, Tensor.from(on, [0, 1, 0.5, 0.25, 1, 0], [2, 3])),
    );
  },
);

onDevice('a moving average forgets its start and then follows with its decay', async (device) => {
  const parameter = new Parameter(device, Float32Array.of(1, 2), [2]);
  const parameters = new Map([['p', parameter]]);
  const values = new Map([['p', { shape: [2], data: Float32Array.of(1, 2) }]]);
  const average = new MovingAverage(parameters, values, 0.5);
  const expected = [1, 2];
  for (let step = 1; step <= 5; step++) {
    parameter.load(Float32Array.of(step, -step));
    average.update();
    const decay = Math.min(0.5, (1 + step) / (10 + step));
    for (const [index, value] of [step, -step].entries()) {
      expected[index] = decay * expected[index] + (1 - decay) * value;
    }
  }
  const saved = await average.save();
  compare('average', saved.averages.get('p')?.data ?? new Float32Array(), Float64Array.from(expected), 1e-6);
  const other = new MovingAverage(parameters, values, 0.5);
  other.restore(saved.steps, saved.averages);
  for (const one of [average, other]) one.update();
  assert.equal(await other.save(), await average.save());
  await errorOf(EkphrasisError, () => other.restore(1, new Map()));
  for (const one of [average, other, parameter]) one.dispose();
});

/** The stem's second stage and what is trained above it, on made-up weights. */
async function smallEncoder(device: Tensor['device']): Promise<{ model: TrainedEncoder; x: Tensor }> {
  const network = new InceptionV3(device, new Random(2), { first: 'stem2', last: 'stem2' });
  const targets = Float32Array.of(1, 0, 0.5, 0, 1, 0.25);
  const objective = new WordsObjective(device, new Random(3), { channels: 192, words: 3, targets });
  const x = Tensor.from(device, Float32Array.from(floatSample([2, 7, 7, 64], 4).data), [2, 7, 7, 64]);
  return { model: new TrainedEncoder(network, objective), x };
}

function trainerOf(model: TrainedEncoder): EncoderTrainer {
  return new EncoderTrainer({
    model,
    outputs: ['stem2'],
    network: new SGD(model.network.trainable()),
    objective: new SGD(model.objective.trainable()),
    average: null,
    clipNorm: 1e9,
  });
}

onDevice('accumulated batches make the step of one large batch', async (device) => {
  const results: (readonly number[])[] = [];
  for (const parts of [[[0, 1]], [[0], [1]]]) {
    const { model, x } = await smallEncoder(device);
    const batches = parts.map((images) => ({
      images,
      inputs: () => x.slice([images[0], 0, 0, 0], [images.length, 7, 7, 64]),
    }));
    const loss = await trainerOf(model).step(batches, { network: 0.1, objective: 0.1 });
    results.push([loss, ...(await model.network.units[1].convolution.kernel.data()).slice(0, 500)]);
    model.dispose();
    x.dispose();
  }
  compare('after the step', Float64Array.from(results[1]), Float64Array.from(results[0]), 1e-5, {
    floor: 1e-3,
  });
});

onDevice(
  'training lowers the loss, and its trained weights can be loaded as Keras names them',
  async (device) => {
    const { model, x } = await smallEncoder(device);
    const [network, objective] = [model.network, model.objective].map((part) => new Adam(part.trainable()));
    const trainer = new EncoderTrainer({
      model,
      outputs: ['stem2'],
      network,
      objective,
      average: null,
      clipNorm: 1,
    });
    const batch = { images: [0, 1], inputs: () => x.reshape(x.shape) };
    const losses: number[] = [];
    for (let step = 0; step < 12; step++)
      losses.push(await trainer.step([batch], { network: 1e-3, objective: 1e-2 }));
    assert.ok(losses[11] < 0.8 * losses[0], losses.join(' '));
    const weights = await model.network.toWeights();
    assert.equal([...weights.keys()].slice(0, 2), ['conv2d_4.kernel', 'batch_normalization_4.beta']);
    const loaded = InceptionV3.fromWeights(device, weights, { first: 'stem2', last: 'stem2' });
    const outputs = [model.network, loaded].map(
      (network) => network.forward(x, ['stem2']).get('stem2') as Tensor,
    );
    compare('outputs', await outputs[1].data(), Float64Array.from(await outputs[0].data()), 1e-6, {
      floor: 1e-3,
    });
    for (const one of [...outputs, network, objective, x, model, loaded]) one.dispose();
  },
);

onDevice('a loss that is no number ends the training', async (device) => {
  const { model, x } = await smallEncoder(device);
  model.network.units[0].convolution.kernel.load(new Float32Array(64 * 80).fill(Number.NaN));
  model.objective
    .parameters()
    .get('head.kernel')
    ?.load(new Float32Array(192 * 3).fill(Number.NaN));
  const batch = { images: [0, 1], inputs: () => x.reshape(x.shape) };
  const { message } = await errorOf(EkphrasisError, () =>
    trainerOf(model).step([batch], { network: 1, objective: 1 }),
  );
  assert.match(message, /the loss became NaN; lower --encoder-rate/);
  model.dispose();
  x.dispose();
});

onDevice('a network cannot begin above its end', async (device) => {
  const { message } = await errorOf(
    UnsupportedError,
    () => new InceptionV3(device, null, { first: 'mixed8', last: 'mixed7' }),
  );
  assert.match(message, /the first stage is mixed8, which comes after the last, mixed7/);
});

onDevice('two halves of a network make what the whole makes', async (device) => {
  const whole = new InceptionV3(device, new Random(7), { last: 'stem2' });
  const weights = await whole.toWeights();
  const lower = InceptionV3.fromWeights(device, weights, { last: 'stem1' });
  const upper = InceptionV3.fromWeights(device, weights, { first: 'stem2', last: 'stem2' });
  const x = Tensor.from(device, Float32Array.from(floatSample([1, 43, 43, 3], 5).data), [1, 43, 43, 3]);
  const expected = whole.forward(x, ['stem2']).get('stem2') as Tensor;
  const middle = lower.forward(x, ['stem1']).get('stem1') as Tensor;
  const actual = upper.forward(middle, ['stem2']).get('stem2') as Tensor;
  compare('output', await actual.data(), Float64Array.from(await expected.data()), 1e-6, { floor: 1e-4 });
  for (const one of [whole, lower, upper, x, expected, middle, actual]) one.dispose();
});

test.run();
