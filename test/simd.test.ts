import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import { bindSimdKernels, compileSimdKernels } from '../src/kernels/cpu/simd-kernels.ts';
import type { Operand } from '../src/kernels/device.ts';
import type { OpAttributes, OpName } from '../src/kernels/op/op.ts';
import { floatSample, integerSample } from '../src/kernels/op/samples.ts';
import type { DeviceArray, Shape } from '../src/kernels/op/spec.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { unaryRows } from '../src/kernels/ops/unary.ts';
import { unaryGradient } from '../src/kernels/ops/unary-gradient.ts';
import { compare } from './compare.ts';

/** Around the four lanes of a vector and the sixteen bytes of its alignment; 700 is past every block. */
const SIZES = [4, 5, 6, 7, 8, 9, 11, 15, 16, 17, 31, 64, 700];

let device: CpuDevice;

test.before(async () => {
  device = await CpuDevice.create();
});

function upload(shape: Shape, data: DeviceArray): Operand {
  const dtype = data instanceof Int32Array ? 'int32' : 'float32';
  return { storage: device.upload(data), spec: { shape, dtype } };
}

function floats(shape: Shape, seed: number, low = -1, high = 1): Operand {
  return upload(shape, Float32Array.from(floatSample(shape, seed, low, high).data));
}

function labels(shape: Shape, seed: number, low: number, high: number): Operand {
  return upload(shape, Int32Array.from(integerSample(shape, seed, low, high).data));
}

/** Runs an op whose plain implementation must not be called. */
function runSimd<K extends OpName>(
  op: K,
  inputs: readonly Operand[],
  attributes: OpAttributes[K],
): Operand[] {
  const definition: { cpu: unknown } = opTable[op];
  const { cpu } = definition;
  definition.cpu = () => {
    throw new Error(
      `${op} [${inputs.map(({ spec }) => spec.shape.join(', ')).join('] [')}] ran the plain op`,
    );
  };
  try {
    return device.run(op, inputs, attributes);
  } finally {
    definition.cpu = cpu;
  }
}

/** Compares every output with the plain op's and frees all. */
async function check<K extends OpName>(
  op: K,
  inputs: readonly Operand[],
  attributes: OpAttributes[K],
  tolerance = 1e-6,
): Promise<void> {
  const fast = runSimd(op, inputs, attributes);
  const plain = device.run(op, inputs, attributes, 'plain');
  for (const [index, output] of fast.entries()) {
    const shapes = inputs.map(({ spec }) => `[${spec.shape.join(', ')}]`).join(' ');
    const what = `${op} ${shapes} ${JSON.stringify(attributes)}, output ${index}`;
    compare(what, await device.read(output), await device.read(plain[index]), tolerance);
  }
  for (const { storage } of [...fast, ...plain, ...inputs]) device.release(storage);
}

const binaries = ['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'greater', 'equal'] as const;

for (const op of binaries) {
  test(`SIMD ${op} is the plain op's, bit for bit, however it broadcasts`, async () => {
    for (const columns of SIZES) {
      const shapes: [Shape, Shape][] = [
        [[columns], [columns]],
        [[3, columns], [columns]],
        [
          [1, columns],
          [3, columns],
        ],
        [[3, columns], []],
        [[1], [2, columns]],
        [
          [3, columns],
          [3, 1],
        ],
        [
          [3, 1],
          [1, columns],
        ],
      ];
      // Whole numbers over 4, so that some are equal.
      for (const [index, [a, b]] of shapes.entries()) {
        const quarters = (shape: Shape, seed: number) =>
          upload(
            shape,
            Float32Array.from(integerSample(shape, seed, 1, 12).data, (value) => value / 4),
          );
        await check(op, [quarters(a, index), quarters(b, index + 9)], {}, 0);
      }
    }
  });
}

test('SIMD maximum and minimum keep a NaN, as the plain ops do', async () => {
  for (const op of ['maximum', 'minimum'] as const) {
    const a = upload([4], Float32Array.of(Number.NaN, 1, -0, 2));
    const b = upload([4], Float32Array.of(1, Number.NaN, 0, Number.POSITIVE_INFINITY));
    const [y] = runSimd(op, [a, b], {});
    const [plain] = device.run(op, [a, b], {}, 'plain');
    assert.equal([...(await device.read(y))], [...(await device.read(plain))]);
    for (const { storage } of [a, b, y, plain]) device.release(storage);
  }
});

const unaries: [OpName & ('negate' | 'exp' | 'sqrt' | 'tanh'), number, number][] = [
  ['negate', -3, 3],
  ['exp', -20, 5],
  ['sqrt', 0, 9],
  ['tanh', -4, 4],
];
const moreUnaries = ['abs', 'reciprocal', 'square', 'relu', 'sigmoid', 'hardSigmoid'] as const;

test('SIMD functions of one number agree with the plain ops', async () => {
  for (const size of SIZES) {
    for (const [op, low, high] of unaries) await check(op, [floats([size], size, low, high)], {});
    for (const op of moreUnaries) await check(op, [floats([size], size, 0.3, 4)], {});
    for (const op of moreUnaries) await check(op, [floats([size], size, -4, -0.3)], {});
  }
});

/** Holds every element, spread evenly from low to high, to its own magnitude. */
async function checkRelative(
  op: 'exp' | 'tanh' | 'sigmoid',
  exact: (x: number) => number,
  [low, high]: readonly [number, number],
  allowed: number,
): Promise<void> {
  const x = Float32Array.from({ length: 20001 }, (_, index) => low + ((high - low) * (index + 0.5)) / 20001);
  const input = upload([x.length], x);
  const [output] = runSimd(op, [input], {});
  const errors = Float64Array.from(await device.read(output), (y, index) => y / exact(x[index]) - 1);
  for (const { storage } of [input, output]) device.release(storage);
  compare(`relative errors of ${op}`, errors, new Float64Array(errors.length), allowed, { floor: 1 });
}

test('exp, sigmoid and tanh are within few roundings of the value, small or large', async () => {
  await checkRelative('exp', Math.exp, [-87.3, 88.7], 1.5e-7);
  await checkRelative('exp', Math.exp, [-0.4, 0.4], 1.5e-7);
  await checkRelative('tanh', Math.tanh, [-9, 8.9], 3e-7);
  await checkRelative('tanh', Math.tanh, [1e-6, 1e-3], 3e-7);
  await checkRelative('sigmoid', (x) => 1 / (1 + Math.exp(-x)), [-80, 30], 3e-7);
});

test('exp, sigmoid and tanh saturate', async () => {
  const x = Float32Array.of(-1e30, -1000, -104, 88.8, 1000, 1e30, Number.NaN, 0);
  const expected = {
    exp: [
      0,
      0,
      0,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      1,
    ],
    tanh: [-1, -1, -1, 1, 1, 1, Number.NaN, 0],
  };
  for (const op of ['exp', 'tanh'] as const) {
    const input = upload([8], x);
    const [output] = runSimd(op, [input], {});
    assert.equal([...(await device.read(output))], expected[op], op);
    for (const { storage } of [input, output]) device.release(storage);
  }
  const input = upload([8], x);
  const [output] = runSimd('sigmoid', [input], {});
  const y = [...(await device.read(output))];
  assert.ok(y.slice(0, 3).every((value) => value >= 0 && value < 1e-37));
  assert.equal(y.slice(3), [1, 1, 1, Number.NaN, 0.5]);
  for (const { storage } of [input, output]) device.release(storage);
});

test('SIMD gradients of functions of one tensor agree with the plain op, at the kinks too', async () => {
  for (const { attributes } of unaryGradient.samples()) {
    const { slope, kink = 0.5, domain, loop } = unaryRows[attributes.operation];
    for (const size of SIZES) {
      const x = Float32Array.from(floatSample([size], size, ...domain).data);
      x[1] = kink;
      const y = new Float32Array(size);
      loop(x, y);
      await check(
        'unaryGradient',
        [upload([size], slope?.of === 'x' ? x : y), floats([size], 5)],
        attributes,
      );
    }
  }
});

test('element-wise kernels trap at the number of an operation that they do not have', async () => {
  const { module } = await compileSimdKernels(false);
  const { functions, numbers } = bindSimdKernels(
    module,
    new WebAssembly.Memory({ initial: 1, maximum: 65536 }),
  );
  const kernel = (name: string) => functions[numbers.get(name) ?? -1];
  for (const operation of [-1, 99]) {
    assert.throws(() => kernel('unary')(operation, 0, 16, 4, 0, 1), /unreachable/);
    assert.throws(() => kernel('unaryGradient')(operation, 0, 16, 32, 4, 0, 1), /unreachable/);
    assert.throws(() => kernel('binary')(operation, 0, 4, 1, 16, 4, 1, 32, 4, 0, 1), /unreachable/);
  }
});

test('SIMD LSTM gates agree with the plain ops', async () => {
  for (const recurrentActivation of ['sigmoid', 'hardSigmoid'] as const) {
    const attributes = { activation: 'tanh', recurrentActivation } as const;
    for (const units of SIZES) {
      const state = (seed: number) => floats([3, units], seed);
      const z = () => floats([3, 4 * units], units, -3, 3);
      await check('lstmGates', [z(), state(1)], attributes);
      await check('lstmGatesGradient', [z(), state(1), state(2), state(3), state(4)], attributes);
    }
  }
});

test('SIMD softmax and cross-entropy agree with the plain ops', async () => {
  for (const classes of [1, 2, 3, ...SIZES, 2917]) {
    const logits = (seed: number) => floats([6, classes], seed, -5, 5);
    const classesOf = () => labels([6], classes, 0, classes);
    await check('softmax', [logits(1)], {});
    await check('logSoftmax', [logits(2)], {});
    await check('sparseCrossEntropy', [logits(3), classesOf()], { ignore: -1 });
    await check('sparseCrossEntropy', [logits(4), labels([6], 4, -1, classes + 2)], { ignore: 0 });
    const g = () => floats([6], 5, 0.1, 1);
    await check('sparseCrossEntropyGradient', [logits(6), classesOf(), g()], { ignore: -1 });
    await check('sparseCrossEntropyGradient', [logits(7), labels([6], 4, -1, classes + 2), g()], {
      ignore: 0,
    });
  }
});

test('SIMD searches for the largest are the plain ops, ties and for argmax NaN included', async () => {
  for (const columns of [1, 2, 3, ...SIZES, 2917]) {
    const distinct = () => floats([5, columns], columns, -4, 4);
    const tied = () =>
      upload(
        [5, columns],
        Float32Array.from(floatSample([5, columns], 2).data, (x) => Math.round(3 * x)),
      );
    const holed = () => {
      const data = Float32Array.from(floatSample([5, columns], 3).data);
      for (let at = 0; at < data.length; at += 6) data[at] = Number.NaN;
      return upload([5, columns], data);
    };
    for (const rows of [distinct, tied, holed]) await check('argmax', [rows()], {}, 0);
    for (const k of [1, 3, 10]) {
      if (k <= columns) for (const rows of [distinct, tied]) await check('topK', [rows()], { k }, 0);
    }
  }
});

test('SIMD Adam agrees with the plain op', async () => {
  for (const size of SIZES) {
    const attributes = { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, step: size };
    for (const weightDecay of [0, 20]) {
      const inputs = [
        floats([size], 1),
        floats([size], 2, -0.1, 0.1),
        floats([size], 3, -0.1, 0.1),
        floats([size], 4, 0, 0.01),
      ];
      await check('adam', inputs, { ...attributes, weightDecay });
    }
  }
});

test('SIMD sums and means agree with the plain ops', async () => {
  const cases: [Shape, number[]][] = SIZES.flatMap((size): [Shape, number[]][] => [
    [[size], [0]],
    [[3, size], [1]],
    [[3, size], [0]],
    [
      [2, 3, size],
      [0, 1],
    ],
    [
      [2, 3, 2, size],
      [1, 2],
    ],
    [
      [size, 2, 3],
      [0, 1, 2],
    ],
    [
      [size, 3, 2],
      [1, 2],
    ],
  ]);
  for (const [shape, axes] of cases) {
    for (const keepDimensions of [false, true]) {
      await check('sum', [floats(shape, 1)], { axes, keepDimensions });
      await check('mean', [floats(shape, 2)], { axes, keepDimensions });
    }
  }
});

test('SIMD sums keep the digits of a long cancelling row', async () => {
  const x = Float32Array.from({ length: 100003 }, (_, index) => (index % 2 ? -1000.5 : 1000.5));
  x[100002] = 0.25;
  await check('sum', [upload([x.length], x)], { axes: [0], keepDimensions: false }, 0);
});

test('SIMD dropout is the plain op, bit for bit', async () => {
  for (const size of [...SIZES, 20011]) {
    for (const rate of [0, 0.15, 0.4, 0.5, 0.99]) {
      await check('dropout', [floats([size], size)], { rate, seed: size * 7919 }, 0);
    }
  }
  await check('dropout', [floats([5, 41], 1)], { rate: 0.3, seed: 4294967295 }, 0);
});

test('the device holds nothing afterwards', () => {
  assert.is(device.memory().storages, 0);
});

test.run();
