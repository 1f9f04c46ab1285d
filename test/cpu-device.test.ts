import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import type { Operand } from '../src/kernels/device.ts';
import { DisposedError, OutOfMemoryError, ShapeError, UnsupportedError } from '../src/kernels/op/errors.ts';
import type { OpAttributes, OpName } from '../src/kernels/op/op.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import type { Shape } from '../src/kernels/op/spec.ts';
import type { Activation } from '../src/kernels/parts/activation.ts';
import { compare } from './compare.ts';

/** Whole numbers from 0, the same in every run. */
class Dice {
  #state = 1;

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }
}

const activations: readonly Activation[] = ['linear', 'relu', 'sigmoid', 'tanh', 'hardSigmoid'];
const paddings = ['same', 'valid'] as const;

function operand(device: CpuDevice, shape: Shape, seed: number): Operand {
  const storage = device.upload(Float32Array.from(floatSample(shape, seed).data));
  return { storage, spec: { shape, dtype: 'float32' } };
}

/** Runs an op through its SIMD kernel and through its plain TypeScript, and frees all. */
async function compareWithPlain<K extends OpName>(
  device: CpuDevice,
  op: K,
  inputs: readonly Operand[],
  attributes: OpAttributes[K],
): Promise<void> {
  const [fast] = device.run(op, inputs, attributes);
  const [plain] = device.run(op, inputs, attributes, 'plain');
  const shapes = inputs.map(({ spec }) => `[${spec.shape.join(', ')}]`).join(' ');
  const what = `${op} ${shapes} ${JSON.stringify(attributes)}`;
  compare(what, await device.read(fast), await device.read(plain), 1e-5, { floor: 0.5 });
  for (const { storage } of [fast, plain, ...inputs]) device.release(storage);
}

test('SIMD matrix products agree with the plain op on random sizes', async () => {
  const device = await CpuDevice.create();
  const dice = new Dice();
  for (let round = 0; round < 400; round++) {
    const m = dice.between(1, 40);
    const n = dice.between(1, 40);
    const k = dice.between(1, round % 8 === 0 ? 600 : 40);
    const batch = dice.between(1, 3);
    const attributes = {
      transposeA: dice.below(2) === 1,
      transposeB: dice.below(2) === 1,
      activation: dice.pick(activations),
    };
    const a = attributes.transposeA ? [k, m] : [m, k];
    const b = attributes.transposeB ? [n, k] : [k, n];
    const inputs = [
      operand(device, dice.below(2) ? [batch, ...a] : a, 3 * round),
      operand(device, dice.below(2) ? [batch, ...b] : b, 3 * round + 1),
    ];
    if (dice.below(2)) inputs.push(operand(device, [n], 3 * round + 2));
    await compareWithPlain(device, 'matmul', inputs, attributes);
  }
  assert.is(device.memory().storages, 0);
});

test('SIMD matrix products agree past every block size', async () => {
  const device = await CpuDevice.create();
  for (const [m, n, k] of [
    [67, 523, 259],
    [130, 9, 515],
    [8, 1031, 3],
    [3, 1031, 7],
  ]) {
    for (const [transposeA, transposeB] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const a = operand(device, transposeA ? [k, m] : [m, k], 1);
      const b = operand(device, transposeB ? [n, k] : [k, n], 2);
      const bias = operand(device, [n], 3);
      await compareWithPlain(device, 'matmul', [a, b, bias], { transposeA, transposeB, activation: 'tanh' });
    }
  }
});

test('a product over nothing is the bias', async () => {
  const device = await CpuDevice.create();
  const inputs = [operand(device, [9, 0], 1), operand(device, [0, 5], 2), operand(device, [5], 3)];
  const attributes = { transposeA: false, transposeB: false, activation: 'linear' } as const;
  await compareWithPlain(device, 'matmul', inputs, attributes);
});

test('SIMD convolutions and their gradients agree with the plain ops on random windows', async () => {
  const device = await CpuDevice.create();
  const dice = new Dice();
  let rounds = 0;
  let refused = 0;
  while (rounds < 250) {
    const channels = dice.between(1, 9);
    const outputs = dice.between(1, 20);
    const inputShape = [dice.between(1, 3), dice.between(1, 14), dice.between(1, 14), channels];
    const kernelShape = [dice.between(1, 5), dice.between(1, 5), channels, outputs];
    const window = {
      strides: [dice.between(1, 3), dice.between(1, 3)] as const,
      dilations: [dice.between(1, 3), dice.between(1, 3)] as const,
      padding: dice.pick(paddings),
    };
    const x = operand(device, inputShape, rounds);
    const kernel = operand(device, kernelShape, rounds + 1);
    const withBias = dice.below(2) ? [operand(device, [outputs], rounds + 2)] : [];
    let y: Operand;
    try {
      [y] = device.run('conv2d', [x, kernel], { ...window, activation: 'linear' });
    } catch (error) {
      // A window that does not fit, drawn by chance.
      assert.instance(error, ShapeError);
      for (const { storage } of [x, kernel, ...withBias]) device.release(storage);
      refused++;
      continue;
    }
    const g = operand(device, y.spec.shape, rounds + 3);
    device.release(y.storage);
    for (const { storage } of [x, kernel, g]) device.retain(storage);
    const activation = dice.pick(activations);
    await compareWithPlain(device, 'conv2d', [x, kernel, ...withBias], { ...window, activation });
    await compareWithPlain(device, 'conv2dGradientInput', [g, kernel], { ...window, inputShape });
    await compareWithPlain(device, 'conv2dGradientKernel', [x, g], { ...window, kernelShape });
    rounds++;
  }
  assert.ok(refused < rounds);
  assert.is(device.memory().storages, 0);
});

test('SIMD convolutions and their gradients agree past every block size', async () => {
  const device = await CpuDevice.create();
  for (const [inputShape, kernelShape, stride] of [
    [[2, 9, 8, 70], [3, 3, 70, 21], 1],
    [[2, 9, 8, 70], [3, 3, 70, 21], 2],
    [[1, 4, 5, 6], [2, 3, 6, 523], 1],
    [[3, 10, 10, 67], [1, 1, 67, 5], 1],
  ] as const) {
    const window = { strides: [stride, stride], dilations: [1, 1], padding: 'same' } as const;
    const x = operand(device, inputShape, 1);
    const kernel = operand(device, kernelShape, 2);
    const bias = operand(device, [kernelShape[3]], 3);
    const places = [Math.ceil(inputShape[1] / stride), Math.ceil(inputShape[2] / stride)];
    const g = operand(device, [inputShape[0], ...places, kernelShape[3]], 4);
    for (const { storage } of [x, kernel, g]) device.retain(storage);
    await compareWithPlain(device, 'conv2d', [x, kernel, bias], { ...window, activation: 'relu' });
    await compareWithPlain(device, 'conv2dGradientInput', [g, kernel], { ...window, inputShape });
    await compareWithPlain(device, 'conv2dGradientKernel', [x, g], { ...window, kernelShape });
  }
  assert.is(device.memory().storages, 0);
});

test('saturated activations stay finite', async () => {
  const device = await CpuDevice.create();
  const values = [-1e4, -100, -88, -20, -1e-6, 0, 1e-6, 0.6249, 0.6251, 20, 88, 100, 1e4];
  const a: Operand = {
    storage: device.upload(Float32Array.from(values)),
    spec: { shape: [values.length, 1], dtype: 'float32' },
  };
  const one: Operand = {
    storage: device.upload(new Float32Array([1])),
    spec: { shape: [1, 1], dtype: 'float32' },
  };
  const exact = { sigmoid: (x: number) => 1 / (1 + Math.exp(-x)), tanh: Math.tanh };
  for (const activation of ['sigmoid', 'tanh'] as const) {
    const [y] = device.run('matmul', [a, one], { transposeA: false, transposeB: false, activation });
    const actual = await device.read(y);
    compare(activation, actual, Float64Array.from(values, exact[activation]), 2e-7);
  }
});

test('memory counts what lives, reuses what was freed and joins neighbours', async () => {
  const device = await CpuDevice.create();
  assert.equal(device.memory(), { liveBytes: 0, pooledBytes: 0, peakBytes: 0, storages: 0 });
  const storages = Array.from({ length: 100 }, () => device.upload(new Float32Array(40_000)));
  const full = device.memory();
  assert.is(full.storages, 100);
  assert.is(full.liveBytes, 100 * 160_000);
  assert.is(full.peakBytes, full.liveBytes + full.pooledBytes);
  for (const storage of storages) device.release(storage);
  assert.is(device.memory().liveBytes, 0);
  const whole = device.upload(new Float32Array(100 * 40_000));
  assert.is(device.memory().peakBytes, full.peakBytes, 'the freed blocks were joined for the large one');
  device.trim();
  assert.ok(device.memory().pooledBytes + device.memory().liveBytes > 0, 'a tensor still lives');
  device.release(whole);
  device.trim();
  assert.is(device.memory().pooledBytes, 0);
  assert.is(device.memory().peakBytes, full.peakBytes);
});

test('blocks never overlap while tensors come and go', async () => {
  const device = await CpuDevice.create();
  const dice = new Dice();
  const held: { operand: Operand; mark: number }[] = [];
  for (let round = 0; round < 3000; round++) {
    if (held.length > 60 || (held.length > 0 && dice.below(5) < 2)) {
      const [{ operand: one, mark }] = held.splice(dice.below(held.length), 1);
      const data = await device.read(one);
      assert.ok(
        data.every((value) => value === mark),
        `tensor ${mark} was overwritten`,
      );
      device.release(one.storage);
    } else {
      const length = dice.between(0, dice.below(4) ? 300 : 60_000);
      const storage = device.upload(new Int32Array(length).fill(round));
      held.push({ operand: { storage, spec: { shape: [length], dtype: 'int32' } }, mark: round });
    }
  }
});

test('a view shares the storage, which lives as long as its last holder', async () => {
  const device = await CpuDevice.create();
  const x = operand(device, [2, 3], 1);
  const [view] = device.run('reshape', [x], { shape: [3, 2] });
  assert.is(view.storage, x.storage);
  device.release(x.storage);
  assert.is(device.memory().storages, 1);
  compare('view', await device.read(view), Float32Array.from(floatSample([2, 3], 1).data), 0);
  device.release(view.storage);
  assert.is(device.memory().storages, 0);
  assert.throws(() => device.release(view.storage), isA(DisposedError, /released already/));
});

test('too much is refused with what was wanted and what is held, and the device stays usable', async () => {
  const device = await CpuDevice.create({ memoryLimitBytes: 1 << 20 });
  const kept = operand(device, [1000], 1);
  const tooMuch = isA(OutOfMemoryError, /cannot allocate 4000000 bytes.*4000 in use.*at most 1048576/);
  assert.throws(() => device.upload(new Float32Array(1_000_000)), tooMuch);
  assert.throws(() => device.run('fill', [], { shape: [1_000_000], dtype: 'float32', value: 1 }), tooMuch);
  assert.is(device.memory().storages, 1);
  compare('kept', await device.read(kept), Float32Array.from(floatSample([1000], 1).data), 0);
});

test('a failing op frees its outputs', async () => {
  const device = await CpuDevice.create();
  const a = operand(device, [2, 3], 1);
  const b = operand(device, [2, 3], 2);
  const attributes = { transposeA: false, transposeB: false, activation: 'linear' } as const;
  assert.throws(() => device.run('matmul', [a, b], attributes), isA(ShapeError, /matmul.*3 and 2 differ/));
  assert.throws(
    () => device.run('matmul', [a, b], attributes, 'tiled'),
    isA(UnsupportedError, /'tiled'.*'plain'/),
  );
  assert.is(device.memory().storages, 2);
});

test('another device refuses a foreign tensor', async () => {
  const device = await CpuDevice.create();
  const other = await CpuDevice.create();
  const x = operand(other, [2], 1);
  assert.throws(() => device.run('relu', [x], {}), isA(UnsupportedError, /relu.*another device/));
});

test('a destroyed device refuses all use', async () => {
  const device = await CpuDevice.create();
  const x = operand(device, [2], 1);
  device.destroy();
  device.destroy();
  assert.is(device.memory().liveBytes, 0);
  assert.throws(() => device.run('relu', [x], {}), isA(DisposedError, /relu.*destroyed/));
  assert.throws(() => device.upload(new Float32Array(1)), isA(DisposedError, /upload/));
  let failure: unknown;
  await device.read(x).catch((error) => {
    failure = error;
  });
  assert.instance(failure, DisposedError);
});

function isA(kind: new (message?: string) => Error, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof kind && message.test(error.message);
}

test.run();
