// InceptionV3 as a module: its make, its parts, its errors. The numbers are in inception.test.ts.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, ShapeError, UnsupportedError } from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { requestDevice } from '../src/kernels/request-device.ts';
import {
  type Convolution,
  convolutions,
  stageChannels,
  stages,
} from '../src/nn/inception-v3/architecture.ts';
import { ConvolutionUnit, fold } from '../src/nn/inception-v3/convolution-unit.ts';
import { InceptionV3 } from '../src/nn/inception-v3/inception-v3.ts';
import type { HostWeight } from '../src/nn/module.ts';
import { Random } from '../src/nn/random.ts';
import { Concatenation } from '../src/tensor/concatenation.ts';
import { Tape, withTape } from '../src/tensor/tape.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { checkGradients } from './gradient-check.ts';

const onDevice = await eachDevice(test);

/** Weights of the stem's first stages under Keras's names, small random numbers. */
function stemWeights(count = 3): Map<string, HostWeight> {
  const weights = new Map<string, HostWeight>();
  for (const [index, { kernel }] of convolutions.slice(0, count).entries()) {
    const norm = `batch_normalization_${index + 1}`;
    const add = (name: string, shape: readonly number[], low: number, high: number) =>
      weights.set(name, { shape, data: Float32Array.from(floatSample(shape, index + 1, low, high).data) });
    add(`conv2d_${index + 1}.kernel`, kernel, -0.3, 0.3);
    add(`${norm}.beta`, [kernel[3]], -0.5, 0.5);
    add(`${norm}.moving_mean`, [kernel[3]], -0.2, 0.2);
    add(`${norm}.moving_variance`, [kernel[3]], 0.5, 1.5);
  }
  return weights;
}

test('it has the convolutions and the weights that Keras counts', () => {
  assert.is(convolutions.length, 94);
  let count = 0;
  for (const { kernel } of convolutions) {
    // beta, moving mean and moving variance of the batch norm besides
    count += kernel.reduce((product, dimension) => product * dimension, 1) + 3 * kernel[3];
  }
  assert.is(count, 21_802_784);
  assert.equal(
    [...stageChannels.values()],
    [64, 192, 256, 288, 288, 768, 768, 768, 768, 768, 1280, 2048, 2048],
  );
});

onDevice('only what leads to the last stage is built and wanted', async (device) => {
  const network = InceptionV3.fromWeights(device, stemWeights(), { last: 'stem1' });
  assert.is(network.units.length, 3);
  const x = Tensor.from(device, Float32Array.from(floatSample([1, 31, 31, 3], 5).data), [1, 31, 31, 3]);
  const before = device.memory().storages;
  const outputs = network.forward(x, ['stem1']);
  assert.equal([...outputs.keys()], ['stem1']);
  assert.equal(outputs.get('stem1')?.shape, [1, 6, 6, 64]);
  assert.is(device.memory().storages, before + 1);
  assert.not(x.disposed);
  for (const [asked, kind] of [
    [['mixed0'], 'mixed0'],
    [['conv1'], 'conv1'],
    [[], ''],
  ] as const) {
    const { message } = await errorOf(UnsupportedError, () => network.forward(x, asked));
    assert.match(message, new RegExp(`the stage "${kind}" was asked for; this model has stem1$`));
  }
  assert.match(
    (
      await errorOf(UnsupportedError, () =>
        InceptionV3.fromWeights(device, stemWeights(), { last: 'mixed11' }),
      )
    ).message,
    /no stage "mixed11"; give one of stem1, stem2, mixed0.*mixed10/,
  );
  for (const part of [...outputs.values(), x, network]) part.dispose();
});

onDevice('branches written in place give every stage the elements of their concatenation', async (device) => {
  const network = new InceptionV3(device, new Random(7));
  const x = Tensor.from(device, Float32Array.from(floatSample([1, 79, 107, 3], 8).data), [1, 79, 107, 3]);
  const names = stages.map(({ name }) => name);
  const inPlace = network.forward(x, names);
  const copied = withTape(new Tape([]), () => network.forward(x, names));
  for (const name of names) {
    const [one, other] = [inPlace.get(name) as Tensor, copied.get(name) as Tensor];
    assert.equal(one.shape, other.shape);
    const data = await one.data();
    assert.ok(data.some((element) => element !== 0));
    compare(name, data, await other.data(), 0);
  }
  for (const part of [...inPlace.values(), ...copied.values(), x, network]) part.dispose();
});

onDevice(
  'a concatenation in place refuses gradients, parts that do not fit, and to end early',
  async (device) => {
    const x = Tensor.from(device, new Float32Array(16), [1, 2, 2, 4]);
    const pool = { size: [1, 1], strides: [1, 1], padding: 'valid' } as const;
    const whole = new Concatenation(8);
    const bare = await errorOf(UnsupportedError, () =>
      withTape(new Tape([]), () => whole.append('maxPool', [x], pool)),
    );
    assert.match(bare.message, /maxPool.*no gradient.*use concat/);
    whole.append('maxPool', [x], pool);
    assert.match((await errorOf(ShapeError, () => whole.finish())).message, /4 channels of \[1, 2, 2, 8\]/);
    await errorOf(ShapeError, () => whole.append('maxPool', [x], { ...pool, size: [2, 2] }));
    await errorOf(UnsupportedError, () => whole.append('relu', [x], {}));
    whole.append('averagePool', [x], pool);
    await errorOf(ShapeError, () => whole.append('maxPool', [x], pool));
    for (const part of [whole.finish(), x]) part.dispose();
  },
);

onDevice('an image too small for its windows is refused, and nothing is left', async (device) => {
  const network = InceptionV3.fromWeights(device, stemWeights(), { last: 'stem1' });
  const x = Tensor.from(device, new Float32Array(5 * 5 * 3), [1, 5, 5, 3]);
  const before = device.memory().storages;
  await errorOf(Error, () => network.forward(x, ['stem1']));
  assert.is(device.memory().storages, before);
  x.dispose();
  network.dispose();
});

onDevice('a weight that is missing or misshapen is named with its file', async (device) => {
  const before = device.memory().storages;
  const build = (weights: Map<string, HostWeight>) =>
    InceptionV3.fromWeights(device, weights, { last: 'stem1' }, 'encoder.safetensors');
  const missing = stemWeights();
  missing.delete('batch_normalization_2.moving_mean');
  assert.match(
    (await errorOf(FormatError, () => build(missing))).message,
    /^encoder.safetensors: the weight "batch_normalization_2.moving_mean" is missing/,
  );
  const misshapen = stemWeights();
  misshapen.set('conv2d_1.kernel', { shape: [3, 3, 32, 3], data: new Float32Array(864) });
  assert.match(
    (await errorOf(FormatError, () => build(misshapen))).message,
    /"conv2d_1.kernel" is \[3, 3, 32, 3\], InceptionV3 has \[3, 3, 3, 32\] there/,
  );
  assert.is(device.memory().storages, before);
});

onDevice('a folded unit does what convolution, batch norm and relu do, with a gamma too', async (device) => {
  const shape: Convolution = { kernel: [3, 2, 2, 4], stride: 2, padding: 'same', stage: 'test' };
  const random = new Random(1);
  const make = (dimensions: number[], low: number, high: number): HostWeight => {
    const size = dimensions.reduce((product, dimension) => product * dimension, 1);
    return { shape: dimensions, data: Float32Array.from({ length: size }, () => random.uniform(low, high)) };
  };
  const parts = {
    kernel: make([3, 2, 2, 4], -1, 1),
    beta: make([4], -1, 1),
    movingMean: make([4], -1, 1),
    movingVariance: make([4], 0, 2),
  };
  const apart = new ConvolutionUnit(device, null, shape, false);
  apart.load(
    new Map([
      ['convolution.kernel', parts.kernel],
      ['normalisation.beta', parts.beta],
      ['normalisation.movingMean', parts.movingMean],
      ['normalisation.movingVariance', parts.movingVariance],
    ]),
  );
  const folded = new ConvolutionUnit(device, null, shape, true);
  const x = Tensor.from(device, Float32Array.from(floatSample([2, 5, 6, 2], 2).data), [2, 5, 6, 2]);
  const expected = apart.forward(x);
  const load = (unit: { kernel: Float32Array; bias: Float32Array }) =>
    folded.load(
      new Map([
        ['convolution.kernel', { shape: shape.kernel, data: unit.kernel }],
        ['convolution.bias', { shape: [4], data: unit.bias }],
      ]),
    );
  load(fold(parts));
  const plain = folded.forward(x);
  assert.equal(plain.shape, [2, 3, 3, 4]);
  compare('without gamma', await plain.data(), await expected.data(), 1e-6);
  // Without an offset, a gamma of two doubles what passes the relu.
  const gamma = { shape: [4], data: new Float32Array(4).fill(2) };
  const zero = { shape: [4], data: new Float32Array(4) };
  load(fold({ ...parts, beta: zero, gamma }));
  const doubled = folded.forward(x);
  load(fold({ ...parts, beta: zero }));
  const single = folded.forward(x);
  const twice = single.scale(2);
  compare('with gamma', await doubled.data(), await twice.data(), 1e-6);
  for (const part of [apart, folded, x, expected, plain, doubled, single, twice]) part.dispose();
});

onDevice('unfolded units train through their batch norms', (device) =>
  checkGradients(device, (on) => {
    const shape: Convolution = { kernel: [2, 2, 2, 3], stride: 1, padding: 'valid', stage: 'test' };
    const unit = new ConvolutionUnit(on, new Random(3), shape, false).train();
    const x = Tensor.from(on, Float32Array.from(floatSample([2, 4, 3, 2], 4).data), [2, 4, 3, 2]);
    return {
      watched: new Map<string, Tensor>([['x', x], ...unit.trainable()]),
      loss: () => {
        const y = unit.forward(x);
        return y
          .multiply(Tensor.from(on, Float32Array.from(floatSample([...y.shape], 5).data), y.shape))
          .sum();
      },
      dispose: () => {
        unit.dispose();
        x.dispose();
      },
    };
  }),
);

onDevice('weights without a top predict nothing', async (device) => {
  const network = InceptionV3.fromWeights(device, stemWeights(), { last: 'stem1' });
  const x = Tensor.from(device, new Float32Array(3 * 31 * 31), [1, 31, 31, 3]);
  const { message } = await errorOf(UnsupportedError, () => network.predict(x));
  assert.match(message, /have no top/);
  x.dispose();
  network.dispose();
});

onDevice('a batch norm with a gamma loads folded alone', async (device) => {
  const weights = stemWeights();
  weights.set('batch_normalization_1.gamma', { shape: [32], data: new Float32Array(32).fill(1) });
  const network = InceptionV3.fromWeights(device, weights, { last: 'stem1' });
  network.dispose();
  const before = device.memory().storages;
  const { message } = await errorOf(UnsupportedError, () =>
    InceptionV3.fromWeights(device, weights, { last: 'stem1', folded: false }),
  );
  assert.match(message, /batch norm 1 has a gamma; load it with folded: true/);
  assert.is(device.memory().storages, before);
});

test('with its top it gives probabilities of the classes', async () => {
  const device = await requestDevice({ prefer: 'cpu' });
  const network = new InceptionV3(device, new Random(7), { classes: 5 });
  const x = Tensor.from(device, Float32Array.from(floatSample([2, 75, 79, 3], 8).data), [2, 75, 79, 3]);
  const before = device.memory().storages;
  const probabilities = network.predict(x);
  assert.is(device.memory().storages, before + 1);
  assert.equal(probabilities.shape, [2, 5]);
  const data = Array.from(await probabilities.data());
  for (const row of [0, 5]) {
    const sum = data.slice(row, row + 5).reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(sum - 1) < 1e-6);
  }
  assert.not.equal(data.slice(0, 5), data.slice(5), 'each image has its own');
  device.destroy();
});

test.run();
