// What layers do beyond the golden numbers: shapes, training, gradients, lifetimes, errors.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ShapeError, UnsupportedError } from '../src/kernels/op/errors.ts';
import { BahdanauAttention } from '../src/nn/layers/attention.ts';
import { BatchNorm } from '../src/nn/layers/batch-norm.ts';
import { Conv2D } from '../src/nn/layers/conv2d.ts';
import { Dense } from '../src/nn/layers/dense.ts';
import { Dropout } from '../src/nn/layers/dropout.ts';
import { LSTM } from '../src/nn/layers/lstm.ts';
import { GlobalAveragePool2D, MaxPool2D } from '../src/nn/layers/pooling.ts';
import { Sequential } from '../src/nn/layers/sequential.ts';
import { Random } from '../src/nn/random.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { checkModule, sample } from './module-check.ts';

const onDevice = await eachDevice(test);

onDevice('Dense takes any rank, and its gradients are right', async (device) => {
  const dense = new Dense(device, new Random(1), { inputs: 3, units: 4, activation: 'tanh' });
  const x = sample(device, [2, 5, 1, 3], 1);
  const y = dense.forward(x);
  assert.equal(y.shape, [2, 5, 1, 4]);
  for (const tensor of [x, y]) tensor.dispose();
  assert.equal([...dense.parameters().keys()], ['kernel', 'bias']);
  dense.dispose();
  await checkModule(
    device,
    (on) => new Dense(on, new Random(1), { inputs: 3, units: 4, activation: 'sigmoid' }),
    [2, 2, 3],
    (module, input) => module.forward(input),
  );
});

onDevice('Dense refuses another width by naming both', async (device) => {
  const dense = new Dense(device, new Random(1), { inputs: 3, units: 4 });
  const x = sample(device, [2, 5], 1);
  const { message } = await errorOf(ShapeError, () => dense.forward(x));
  assert.match(message, /^matmul: .*\[2, 5\].*\[3, 4\]/);
  x.dispose();
  dense.dispose();
});

onDevice('Conv2D with a bias and an activation', async (device) => {
  const options = { inputs: 1, filters: 2, size: [2, 2], activation: 'relu' } as const;
  const layer = new Conv2D(device, null, options);
  layer.load(
    new Map([
      ['kernel', { shape: [2, 2, 1, 2], data: Float32Array.of(1, -1, 1, -1, 1, -1, 1, -1) }],
      ['bias', { shape: [2], data: Float32Array.of(-10, 12) }],
    ]),
  );
  const x = Tensor.from(device, [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
  const y = layer.forward(x);
  assert.equal(y.shape, [1, 2, 2, 2]);
  assert.equal([...(await y.data())], [2, 0, 6, 0, 14, 0, 18, 0]);
  for (const tensor of [x, y]) tensor.dispose();
  layer.dispose();
  await checkModule(
    device,
    (on) => new Conv2D(on, new Random(2), { ...options, inputs: 3, padding: 'same', activation: 'tanh' }),
    [2, 4, 3, 3],
    (module, input) => module.forward(input),
  );
});

onDevice('BatchNorm at rest uses its moving averages and leaves them', async (device) => {
  const layer = new BatchNorm(device, { channels: 2 });
  assert.equal([...layer.trainable().keys()], ['gamma', 'beta']);
  assert.equal([...layer.parameters().keys()], ['gamma', 'beta', 'movingMean', 'movingVariance']);
  const x = Tensor.from(device, [1, 2, 3, 4], [2, 2]);
  const y = layer.forward(x);
  // Mean 0 and variance 1 at first.
  const expected = [1, 2, 3, 4].map((value) => value / Math.sqrt(1 + 1e-3));
  compare('at rest', await y.data(), Float64Array.from(expected), 1e-6);
  assert.equal([...(await layer.movingMean.data())], [0, 0]);
  assert.equal([...(await layer.movingVariance.data())], [1, 1]);
  for (const tensor of [x, y]) tensor.dispose();
  layer.dispose();
});

onDevice(
  'BatchNorm in training normalises by the batch, and its averages follow as in Keras',
  async (device) => {
    const layer = new BatchNorm(device, { channels: 3, momentum: 0.9, epsilon: 1e-3 }).train();
    const shape = [2, 2, 3, 3];
    const batches = [sample(device, shape, 1, -1, 3), sample(device, shape, 2, 0, 2)];
    const moving = { mean: [0, 0, 0], variance: [1, 1, 1] };
    for (const x of batches) {
      const values = await x.data();
      const y = layer.forward(x);
      const count = values.length / 3;
      const expected = new Float64Array(values.length);
      for (let channel = 0; channel < 3; channel++) {
        const of = [...values].filter((_, index) => index % 3 === channel);
        const mean = of.reduce((sum, value) => sum + value, 0) / count;
        const squares = of.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        for (let row = 0; row < count; row++) {
          expected[row * 3 + channel] = (of[row] - mean) / Math.sqrt(squares / count + 1e-3);
        }
        moving.mean[channel] = 0.9 * moving.mean[channel] + 0.1 * mean;
        moving.variance[channel] = 0.9 * moving.variance[channel] + (0.1 * squares) / (count - 1);
      }
      compare('normalised', await y.data(), expected, 1e-5);
      y.dispose();
      compare('moving mean', await layer.movingMean.data(), Float64Array.from(moving.mean), 1e-5);
      compare('moving variance', await layer.movingVariance.data(), Float64Array.from(moving.variance), 1e-5);
    }
    for (const x of batches) x.dispose();
    layer.dispose();
  },
);

onDevice('the gradient of BatchNorm in training goes through the statistics of the batch', (device) =>
  checkModule(
    device,
    (on) => new BatchNorm(on, { channels: 2 }).train(),
    [3, 2, 2],
    (module, x) => module.forward(x),
  ),
);

onDevice('pooling steps by its window unless told otherwise', async (device) => {
  const x = Tensor.from(
    device,
    Float32Array.from({ length: 32 }, (_, i) => (i * 7) % 32),
    [1, 4, 4, 2],
  );
  const pooled = new MaxPool2D({ size: [2, 2] }).forward(x);
  const mean = new GlobalAveragePool2D().forward(x);
  assert.equal(pooled.shape, [1, 2, 2, 2]);
  assert.equal(mean.shape, [1, 2]);
  compare('global mean', await mean.data(), Float64Array.of(15, 16), 1e-6);
  for (const tensor of [x, pooled, mean]) tensor.dispose();
});

onDevice('Dropout drops its share, scales the rest, and is the identity at rest', async (device) => {
  const count = 20_000;
  const ones = Tensor.from(device, new Float32Array(count).fill(1));
  const layer = new Dropout(new Random(6), 0.3);
  assert.is(layer.forward(ones), ones, 'at rest');
  layer.train();
  const y = layer.forward(ones);
  const data = await y.data();
  const kept = data.filter((value) => value !== 0);
  // Five standard deviations of a binomial count.
  assert.ok(Math.abs(kept.length - 0.7 * count) < 5 * Math.sqrt(count * 0.3 * 0.7), `${kept.length} kept`);
  assert.ok(kept.every((value) => Math.abs(value - 1 / 0.7) < 1e-6));
  // Neighbours are dropped independently.
  let both = 0;
  for (let index = 1; index < count; index++) if (data[index] === 0 && data[index - 1] === 0) both++;
  assert.ok(Math.abs(both - 0.09 * count) < 5 * Math.sqrt(count * 0.09 * 0.91) * 1.3, `${both} neighbours`);
  const none = new Dropout(new Random(6), 0).train();
  assert.is(none.forward(ones), ones, 'rate 0');
  for (const tensor of [ones, y]) tensor.dispose();
});

onDevice('Dropout is fixed by the seed, and differs from call to call', async (device) => {
  const x = sample(device, [500], 1, 1, 2);
  const masks = async (seed: number) => {
    const layer = new Dropout(new Random(seed), 0.5).train();
    const outputs = [layer.forward(x), layer.forward(x)];
    const read = await Promise.all(
      outputs.map(async (tensor) => [...(await tensor.data())].map(Math.sign).join('')),
    );
    for (const tensor of outputs) tensor.dispose();
    return read;
  };
  const [first, second] = await masks(7);
  assert.not.equal(first, second);
  assert.equal(await masks(7), [first, second]);
  assert.not.equal((await masks(8))[0], first);
  x.dispose();
});

onDevice('Dropout without a generator refuses to train rather than not drop', async (device) => {
  const x = Tensor.from(device, [1, 2]);
  const { message } = await errorOf(UnsupportedError, () => new Dropout(null, 0.5).train().forward(x));
  assert.match(message, /without a random generator/);
  x.dispose();
});

onDevice('Sequential runs its layers in order and trains them together', async (device) => {
  const random = new Random(9);
  const model = new Sequential(
    new Conv2D(device, random, { inputs: 1, filters: 2, size: [3, 3], padding: 'same', activation: 'relu' }),
    new BatchNorm(device, { channels: 2 }),
    new GlobalAveragePool2D(),
    new Dropout(random, 0.5),
    new Dense(device, random, { inputs: 2, units: 3 }),
  );
  assert.equal(
    [...model.parameters().keys()],
    [
      'layers.0.kernel',
      'layers.0.bias',
      'layers.1.gamma',
      'layers.1.beta',
      'layers.1.movingMean',
      'layers.1.movingVariance',
      'layers.4.kernel',
      'layers.4.bias',
    ],
  );
  assert.is(model.trainable().size, 6);
  const x = sample(device, [2, 4, 4, 1], 1);
  const before = device.memory().storages;
  const y = model.forward(x);
  assert.equal(y.shape, [2, 3]);
  assert.is(device.memory().storages, before + 1, 'only the last output is left');
  let value: Tensor = x;
  const steps = model.layers.map((layer) => {
    value = layer.forward(value);
    return value;
  });
  assert.equal([...(await y.data())], [...(await value.data())]);
  model.train();
  assert.ok(model.layers.every((layer) => layer.training));
  model.train(false);
  assert.not(model.layers.some((layer) => layer.training));
  for (const tensor of [x, y, ...steps]) tensor.dispose();
  model.dispose();
});

onDevice('composite layers leave nothing but their results, with no scope around them', (device) => {
  const random = new Random(10);
  const dense = new Dense(device, random, { inputs: 3, units: 2 });
  const norm = new BatchNorm(device, { channels: 3 }).train();
  const lstm = new LSTM(device, random, { inputs: 3, units: 3 });
  const attention = new BahdanauAttention(device, random, { channels: 3, query: 3, units: 2 });
  const grid = sample(device, [2, 4, 3], 1);
  const row = sample(device, [2, 3], 2);
  const before = device.memory().storages;
  const keys = attention.keys(grid);
  const results = [
    dense.forward(grid),
    norm.forward(grid),
    ...Object.values(lstm.step(row, { h: row, c: row })),
    keys,
    ...Object.values(attention.forward(grid, keys, row)),
    grid.scale(2),
  ];
  assert.is(device.memory().storages, before + results.length);
  for (const tensor of [...results, grid, row]) tensor.dispose();
  for (const module of [dense, norm, lstm, attention]) module.dispose();
});

test.run();
