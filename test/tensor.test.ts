import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import { DisposedError, DTypeError, ShapeError } from '../src/kernels/op/errors.ts';
import {
  argmax,
  averagePool,
  broadcastTo,
  concat,
  conv2d,
  dropout,
  gather,
  logSoftmax,
  matmul,
  maxPool,
  resizeBilinear,
  sparseCrossEntropy,
  topK,
} from '../src/tensor/functions.ts';
import { Parameter } from '../src/tensor/parameter.ts';
import { scope } from '../src/tensor/scope.ts';
import { scalar, Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';

const onDevice = await eachDevice(test);

/** The elements of a tensor that is made, read and freed. */
async function elementsOf(body: () => Tensor): Promise<number[]> {
  const tensor = scope(body);
  try {
    return [...(await tensor.data())];
  } finally {
    tensor.dispose();
  }
}

onDevice('a tensor keeps what it was made from', async (device) => {
  const source = Float32Array.of(1, 2, 3, 4, 5, 6);
  const tensor = Tensor.from(device, source, [2, 3]);
  source.fill(0);
  assert.equal(tensor.shape, [2, 3]);
  assert.is(tensor.dtype, 'float32');
  assert.is(tensor.size, 6);
  assert.is(tensor.rank, 2);
  assert.is(tensor.device, device);
  const data = await tensor.data();
  assert.instance(data, Float32Array);
  assert.equal([...data], [1, 2, 3, 4, 5, 6]);
  data.fill(9);
  assert.equal([...(await tensor.data())], [1, 2, 3, 4, 5, 6], 'what was read is a copy');
  tensor.dispose();
});

onDevice('numbers become float32 and a vector; integers stay integers', async (device) => {
  const numbers = Tensor.from(device, [0.1, -2]);
  const integers = Tensor.from(device, Int32Array.of(2 ** 31 - 1, -5));
  assert.equal([numbers.shape, numbers.dtype], [[2], 'float32']);
  assert.equal([...(await numbers.data())], [Math.fround(0.1), -2]);
  assert.equal([integers.shape, integers.dtype], [[2], 'int32']);
  const read = await integers.data();
  assert.instance(read, Int32Array);
  assert.equal([...read], [2 ** 31 - 1, -5]);
  numbers.dispose();
  integers.dispose();
});

onDevice('scalars have the shape [] and one item; empty tensors have no elements', async (device) => {
  const seven = Tensor.from(device, [7], []);
  const half = scalar(device, 0.5);
  const empty = Tensor.from(device, new Float32Array(0), [2, 0, 3]);
  assert.is(await seven.item(), 7);
  assert.is(await half.item(), 0.5);
  assert.is(seven.rank, 0);
  assert.is(empty.size, 0);
  assert.is((await empty.data()).length, 0);
  for (const tensor of [seven, half, empty]) tensor.dispose();
});

onDevice('a wrong number of elements or an impossible shape is refused', async (device) => {
  const few = await errorOf(ShapeError, () => Tensor.from(device, [1, 2, 3], [2, 2]));
  assert.match(few.message, /3 elements/);
  assert.match(few.message, /\[2, 2\].*has 4/);
  for (const shape of [[-1, -3], [1.5, 2], [Number.NaN]]) {
    assert.match(
      (await errorOf(ShapeError, () => Tensor.from(device, [1, 2, 3], shape))).message,
      /dimensions are whole numbers/,
    );
  }
});

onDevice('item is for one element', async (device) => {
  const tensor = Tensor.from(device, [1, 2], [1, 2]);
  const { message } = await errorOf(ShapeError, () => tensor.item());
  assert.match(message, /\[1, 2\] float32 has 2 elements; use data\(\)/);
  tensor.dispose();
});

onDevice('a tensor says what and where it is', (device) => {
  const tensor = Tensor.from(device, Int32Array.of(1, 2), [2, 1]);
  assert.is(`${tensor}`, `Tensor [2, 1] int32 on ${device.kind}`);
  assert.not(tensor.disposed);
  tensor.dispose();
  assert.ok(tensor.disposed);
  assert.is(`${tensor}`, `Tensor [2, 1] int32 on ${device.kind}, disposed`);
});

onDevice('dispose may be called twice and frees once', (device) => {
  const before = device.memory().storages;
  const tensor = Tensor.from(device, [1, 2]);
  const other = Tensor.from(device, [3, 4]);
  assert.is(device.memory().storages, before + 2);
  tensor.dispose();
  tensor.dispose();
  assert.is(device.memory().storages, before + 1);
  other.dispose();
});

onDevice('use after dispose names the op and the shape', async (device) => {
  const gone = Tensor.from(device, [1, 2, 3, 4, 5, 6], [2, 3]);
  const alive = Tensor.from(device, [1, 2, 3]);
  gone.dispose();
  for (const [name, use] of [
    ['add', () => alive.add(gone)],
    ['matmul', () => gone.matmul(alive)],
    ['reshape', () => gone.reshape([6])],
  ] as const) {
    assert.match(
      (await errorOf(DisposedError, use)).message,
      new RegExp(`^${name}: .*\\[2, 3\\] float32 was disposed`),
    );
  }
  assert.match((await errorOf(DisposedError, () => gone.data())).message, /^data: the tensor \[2, 3\]/);
  alive.dispose();
});

onDevice('a view shares its memory and outlives the original', async (device) => {
  const before = device.memory().storages;
  const tensor = Tensor.from(device, [1, 2, 3, 4, 5, 6], [2, 3]);
  const view = tensor.reshape([3, -1]);
  assert.is(device.memory().storages, before + 1);
  assert.equal(view.shape, [3, 2]);
  tensor.dispose();
  assert.equal([...(await view.data())], [1, 2, 3, 4, 5, 6]);
  view.dispose();
});

onDevice('one tensor concatenated, or dropped out at rate 0, has a lifetime of its own', async (device) => {
  const tensor = Tensor.from(device, [1, 2]);
  const alone = concat([tensor]);
  const kept = dropout(tensor, 0, 1);
  tensor.dispose();
  assert.equal([...(await alone.data())], [1, 2]);
  assert.equal([...(await kept.data())], [1, 2]);
  alone.dispose();
  kept.dispose();
});

onDevice('the methods compute what they are called', async (device) => {
  const a = Tensor.from(device, [1, 2, 3, 4, 5, 6], [2, 3]);
  const b = Tensor.from(device, [2, -1, 4], [3]);
  const ids = Tensor.from(device, Int32Array.of(3, 4));
  const cases: [string, () => Tensor, number[], number[]][] = [
    ['add', () => a.add(b), [2, 3], [3, 1, 7, 6, 4, 10]],
    ['subtract', () => a.subtract(b), [2, 3], [-1, 3, -1, 2, 6, 2]],
    ['multiply', () => a.multiply(b), [2, 3], [2, -2, 12, 8, -5, 24]],
    ['divide', () => a.divide(b), [2, 3], [0.5, -2, 0.75, 2, -5, 1.5]],
    ['scale', () => a.scale(-0.5), [2, 3], [-0.5, -1, -1.5, -2, -2.5, -3]],
    ['scale of integers', () => ids.scale(3), [2], [9, 12]],
    ['matmul', () => a.matmul(b.reshape([3, 1])), [2, 1], [12, 27]],
    ['transpose', () => a.transpose(), [3, 2], [1, 4, 2, 5, 3, 6]],
    ['transpose by', () => a.reshape([1, 2, 3]).transpose([2, 0, 1]), [3, 1, 2], [1, 4, 2, 5, 3, 6]],
    ['sum', () => a.sum(), [], [21]],
    ['sum over an axis', () => a.sum([0]), [3], [5, 7, 9]],
    ['mean', () => a.mean(), [], [3.5]],
    ['mean, kept', () => a.mean([1], true), [2, 1], [2, 5]],
    ['slice', () => a.slice([0, 1], [-1, 2]), [2, 2], [2, 3, 5, 6]],
    ['relu', () => b.relu(), [3], [2, 0, 4]],
    ['sqrt', () => a.sqrt(), [2, 3], [1, 2, 3, 4, 5, 6].map(Math.sqrt)],
    ['tanh', () => b.tanh(), [3], [2, -1, 4].map(Math.tanh)],
    ['sigmoid', () => b.sigmoid(), [3], [2, -1, 4].map((x) => 1 / (1 + Math.exp(-x)))],
    [
      'softmax',
      () => a.softmax(),
      [2, 3],
      [1, 2, 3, 1, 2, 3].map((x) => Math.exp(x) / (Math.E + Math.E ** 2 + Math.E ** 3)),
    ],
  ];
  for (const [name, body, shape, expected] of cases) {
    const result = scope(body);
    assert.equal(result.shape, shape, name);
    compare(name, await result.data(), Float64Array.from(expected), 1e-6);
    result.dispose();
  }
  for (const tensor of [a, b, ids]) tensor.dispose();
});

onDevice('the functions have the defaults that are documented', async (device) => {
  const image = Tensor.from(
    device,
    Float32Array.from({ length: 16 }, (_, i) => i),
    [1, 4, 4, 1],
  );
  const kernel = Tensor.from(device, [1, 1, 1, 1], [2, 2, 1, 1]);
  const rows = Tensor.from(device, [1, 5, 5, 2, 9, 0], [2, 3]);
  const labels = Tensor.from(device, Int32Array.of(0, 1));
  // 'valid', stride 1; pooling steps by its size.
  assert.equal(await elementsOf(() => conv2d(image, kernel)), [10, 14, 18, 26, 30, 34, 42, 46, 50]);
  assert.equal(await elementsOf(() => maxPool(image, { size: [2, 2] })), [5, 7, 13, 15]);
  assert.equal(await elementsOf(() => averagePool(image, { size: [2, 2] })), [2.5, 4.5, 10.5, 12.5]);
  assert.equal(await elementsOf(() => concat([rows, rows])), [1, 5, 5, 1, 5, 5, 2, 9, 0, 2, 9, 0]);
  assert.equal(await elementsOf(() => argmax(rows)), [1, 1]);
  assert.equal(await elementsOf(() => topK(rows, 2).indices), [1, 2, 1, 0]);
  assert.equal(await elementsOf(() => gather(rows, labels.slice([1], [1]))), [2, 9, 0]);
  assert.equal(await elementsOf(() => broadcastTo(rows.slice([0, 0], [1, 2]), [2, 2])), [1, 5, 1, 5]);
  assert.equal(
    await elementsOf(() => matmul(rows, rows, { transposeB: true })),
    [51, 47, 47, 85],
    'one of two operands transposed',
  );
  assert.equal((await elementsOf(() => resizeBilinear(image, 1, 1)))[0], 7.5);
  const [first, second] = await elementsOf(() => sparseCrossEntropy(rows, labels));
  assert.ok(first > 0, 'label 0 counts unless it is to be ignored');
  assert.ok(second > 0);
  assert.is((await elementsOf(() => sparseCrossEntropy(rows, labels, 0)))[0], 0);
  compare(
    'log-softmax',
    Float64Array.from((await elementsOf(() => logSoftmax(rows))).slice(0, 3)),
    Float64Array.of(
      -4 - Math.log(2 + Math.exp(-4)),
      -Math.log(2 + Math.exp(-4)),
      -Math.log(2 + Math.exp(-4)),
    ),
    1e-6,
  );
  for (const tensor of [image, kernel, rows, labels]) tensor.dispose();
});

onDevice('an op that refuses its inputs leaves nothing behind', async (device) => {
  const a = Tensor.from(device, [1, 2, 3]);
  const b = Tensor.from(device, [1, 2]);
  const ids = Tensor.from(device, Int32Array.of(1, 2, 3));
  const before = device.memory().storages;
  assert.match((await errorOf(ShapeError, () => a.add(b))).message, /^add: .*\[3\].*\[2\]/);
  await errorOf(DTypeError, () => a.add(ids));
  await errorOf(ShapeError, () => a.reshape([2, -1]));
  assert.match((await errorOf(ShapeError, () => concat([]))).message, /^concat: no inputs were given/);
  assert.is(device.memory().storages, before);
  for (const tensor of [a, b, ids]) tensor.dispose();
});

onDevice('inputs on two devices are refused, both named', async (device) => {
  const other = await CpuDevice.create();
  const here = Tensor.from(device, [1]);
  const there = Tensor.from(other, [1]);
  const { message } = await errorOf(ShapeError, () => here.add(there));
  assert.ok(message.startsWith('add: the inputs lie on two devices'));
  assert.ok(message.includes(device.description));
  assert.ok(message.includes(other.description));
  here.dispose();
  other.destroy();
});

onDevice('a parameter takes new elements of its own shape and dtype only', async (device) => {
  const parameter = new Parameter(device, Float32Array.of(1, 2, 3, 4), [2, 2]);
  assert.ok(parameter.trainable);
  assert.match(
    (await errorOf(ShapeError, () => new Parameter(device, Float32Array.of(1), [2, 2]))).message,
    /1 elements.*\[2, 2\], which has 4/,
  );
  assert.match(
    (await errorOf(ShapeError, () => new Parameter(device, new Float32Array(5), [2.5, 2]))).message,
    /\[2\.5, 2\], which is none/,
  );
  const value = Tensor.from(device, [5, 6, 7, 8], [2, 2]);
  const flat = value.reshape([4]);
  const integers = Tensor.from(device, new Int32Array(4), [2, 2]);
  assert.match(
    (await errorOf(ShapeError, () => parameter.assign(flat))).message,
    /\[4\] float32 was given for a parameter \[2, 2\] float32/,
  );
  assert.match((await errorOf(DTypeError, () => parameter.assign(integers))).message, /\[2, 2\] int32/);
  parameter.assign(value);
  value.dispose();
  assert.equal([...(await parameter.data())], [5, 6, 7, 8]);
  parameter.load(Float32Array.of(9, 9, 9, 9));
  assert.equal([...(await parameter.data())], [9, 9, 9, 9]);
  assert.equal([...(await flat.data())], [5, 6, 7, 8], 'the tensor assigned from is its own');
  await errorOf(ShapeError, () => parameter.load(Float32Array.of(1)));
  await errorOf(DTypeError, () => parameter.load(new Int32Array(4)));
  const square = flat.reshape([2, 2]);
  parameter.dispose();
  assert.match(
    (await errorOf(DisposedError, () => parameter.assign(square))).message,
    /\[2, 2\] float32 was disposed/,
  );
  for (const tensor of [square, flat, integers]) tensor.dispose();
});

test.run();
