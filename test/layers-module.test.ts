// Names, loading and saving of a module's parameters.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../src/kernels/device.ts';
import { DisposedError, FormatError } from '../src/kernels/op/errors.ts';
import { BatchNorm } from '../src/nn/layers/batch-norm.ts';
import { Dense } from '../src/nn/layers/dense.ts';
import { Dropout } from '../src/nn/layers/dropout.ts';
import { type HostWeight, Module } from '../src/nn/module.ts';
import { Random } from '../src/nn/random.ts';
import { Parameter } from '../src/tensor/parameter.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';

const onDevice = await eachDevice(test);

class Block extends Module {
  readonly dense: Dense;
  readonly absent: Dense | null = null;
  readonly scale: Parameter;
  readonly norms: BatchNorm[];
  readonly dropout = new Dropout(new Random(1), 0.5);
  readonly title = 'what is no part of it is passed over';

  constructor(device: Device, random: Random | null) {
    super();
    this.dense = new Dense(device, random, { inputs: 2, units: 3 });
    this.scale = new Parameter(device, Float32Array.of(2), []);
    this.norms = [new BatchNorm(device, { channels: 3, scale: false })];
  }
}

const names = [
  'scale',
  'dense.kernel',
  'dense.bias',
  'norms.0.beta',
  'norms.0.movingMean',
  'norms.0.movingVariance',
];

/** A weight for each parameter, all different. */
function weights(): Map<string, HostWeight> {
  const shapes = new Map([
    ['scale', []],
    ['dense.kernel', [2, 3]],
  ] as [string, number[]][]);
  return new Map(
    names.map((name, index) => {
      const shape = shapes.get(name) ?? [3];
      const size = shape.reduce((product, dimension) => product * dimension, 1);
      return [name, { shape, data: Float32Array.from({ length: size }, (_, i) => index + i / 8) }];
    }),
  );
}

onDevice('parameters are named by their place, null parts and other properties passed over', (device) => {
  const block = new Block(device, new Random(2));
  assert.equal([...block.parameters().keys()].sort(), [...names].sort());
  assert.equal([...block.trainable().keys()].sort(), ['dense.bias', 'dense.kernel', 'norms.0.beta', 'scale']);
  assert.is(block.parameters().get('dense.kernel'), block.dense.kernel);
  block.dispose();
  assert.ok([...block.parameters().values()].every((parameter) => parameter.disposed));
});

onDevice('train reaches every part, and back', (device) => {
  const block = new Block(device, new Random(2));
  assert.not(block.training);
  assert.is(block.train(), block);
  assert.ok([block, block.dense, block.norms[0], block.dropout].every(({ training }) => training));
  block.train(false);
  assert.not([block, block.dense, block.norms[0], block.dropout].some(({ training }) => training));
  block.dispose();
});

onDevice('what was saved loads into another and comes out the same', async (device) => {
  const block = new Block(device, null);
  block.load(weights());
  const saved = await block.save();
  assert.equal([...saved.keys()].sort(), [...names].sort());
  for (const [name, { shape, data }] of weights()) {
    assert.equal(saved.get(name)?.shape, shape);
    assert.equal([...(saved.get(name)?.data ?? [])], [...data], name);
  }
  const other = new Block(device, new Random(3));
  other.load(saved);
  assert.equal([...(await other.dense.kernel.data())], [...(await block.dense.kernel.data())]);
  block.dispose();
  other.dispose();
});

onDevice(
  'a weight that is missing, misshapen or foreign is named with its file, and nothing is loaded',
  async (device) => {
    const block = new Block(device, null);
    const missing = weights();
    missing.delete('dense.bias');
    assert.is(
      (await errorOf(FormatError, () => block.load(missing, 'model.safetensors'))).message,
      'model.safetensors: the weight "dense.bias" [3] is missing',
    );
    const misshapen = weights();
    misshapen.set('dense.kernel', { shape: [3, 2], data: new Float32Array(6) });
    assert.match(
      (await errorOf(FormatError, () => block.load(misshapen))).message,
      /^weights: the weight "dense.kernel" is \[3, 2\], expected \[2, 3\]/,
    );
    const foreign = weights();
    foreign.set('dense.extra', { shape: [1], data: new Float32Array(1) });
    assert.match(
      (await errorOf(FormatError, () => block.load(foreign))).message,
      /"dense.extra" belongs to no part of the model/,
    );
    assert.equal([...(await block.scale.data())], [2], 'as it was');
    block.load(foreign, 'weights', false);
    assert.equal([...(await block.scale.data())], [0]);
    block.dispose();
  },
);

onDevice('a disposed module says so', async (device) => {
  const block = new Block(device, null);
  block.dispose();
  block.dispose();
  await errorOf(DisposedError, () => block.save());
  await errorOf(DisposedError, () => block.load(weights()));
  const x = Tensor.from(device, [1, 2], [1, 2]);
  assert.match((await errorOf(DisposedError, () => block.dense.forward(x))).message, /^matmul: .*\[2, 3\]/);
  x.dispose();
});

test.run();
