// The op table's tests compare devices with the ops' own `cpu`; here `cpu` is held to results worked out by hand.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DTypeError, ShapeError, UnsupportedError } from '../src/kernels/op/errors.ts';
import type { OpAttributes, OpDefinition, OpName, SampleInput } from '../src/kernels/op/op.ts';
import { valuesSample } from '../src/kernels/op/samples.ts';
import { elementCount, type NumericArray } from '../src/kernels/op/spec.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { nadamMomentum } from '../src/kernels/ops/nadam.ts';
import { compare } from './compare.ts';

/** Numbers with the shape they have as nested lists. */
type Nested = number | readonly Nested[];

function flatten(values: Nested): number[] {
  return typeof values === 'number' ? [values] : values.flatMap(flatten);
}

function tensor(values: Nested, dtype: 'float32' | 'int32' = 'float32'): SampleInput {
  const shape: number[] = [];
  for (let level = values; typeof level !== 'number'; level = level[0]) shape.push(level.length);
  return valuesSample(shape, flatten(values), dtype);
}

const integers = (values: Nested) => tensor(values, 'int32');

function compute<K extends OpName>(
  op: K,
  inputs: readonly SampleInput[],
  attributes: OpAttributes[K],
): NumericArray[] {
  const definition: OpDefinition<OpAttributes[K]> = opTable[op];
  const outputSpecs = definition.infer(inputs, attributes);
  const outputs = outputSpecs.map(({ shape, dtype }) =>
    dtype === 'int32' ? new Int32Array(elementCount(shape)) : new Float64Array(elementCount(shape)),
  );
  const arrays = inputs.map(({ data, dtype }) =>
    dtype === 'int32' ? Int32Array.from(data) : Float64Array.from(data),
  );
  definition.cpu({ inputs: arrays, inputSpecs: inputs, outputs, outputSpecs, attributes });
  return outputs;
}

/** A test that `op` gives these outputs, of these shapes, to 12 digits. */
function fact<K extends OpName>(
  title: string,
  op: K,
  inputs: readonly SampleInput[],
  attributes: OpAttributes[K],
  ...expected: Nested[]
): void {
  test(`${op}: ${title}`, () => {
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const specs = definition.infer(inputs, attributes);
    const outputs = compute(op, inputs, attributes);
    assert.is(outputs.length, expected.length);
    for (const [index, values] of expected.entries()) {
      const { shape, data } = tensor(values);
      assert.equal(specs[index].shape, shape);
      compare(op, outputs[index], Float64Array.from(data), 1e-12, { floor: 1 });
    }
  });
}

const [a, b] = [tensor([[1], [2]]), tensor([10, 20])];
fact('broadcasts both ways', 'add', [a, b], {}, [[11, 21], [12, 22]]); // biome-ignore format: rows
fact('keeps the order of its operands', 'subtract', [a, b], {}, [[-9, -19], [-8, -18]]); // biome-ignore format: rows
fact('keeps the order of its operands', 'divide', [b, tensor([4, 5])], {}, [2.5, 4]);
fact('of integers goes towards zero', 'divide', [integers([-7, 7]), integers([2, 2])], {}, [-3, 3]);
fact('is strict', 'greater', [tensor([1, 2, 3]), tensor(2)], {}, [0, 0, 1]);
fact('finds equals', 'equal', [integers([1, 2, 3]), integers(2)], {}, [0, 1, 0]);
const [seven, three] = [integers([7, -7, 7, -7, 6]), integers([3, 3, -3, -3, -3])];
fact('rounds down', 'floorDivide', [seven, three], {}, [2, -3, -3, 2, -2]);
fact('has the sign of the divisor', 'modulo', [seven, three], {}, [1, 2, -2, -1, 0]);

fact('is a line between two kinks', 'hardSigmoid', [tensor([-3, -1, 0, 1, 3])], {}, [0, 0.3, 0.5, 0.7, 1]);
fact(
  'agrees with Math.tanh',
  'tanh',
  [tensor([-20, -0.7, 0, 1e-3, 400])],
  {},
  [-20, -0.7, 0, 1e-3, 400].map(Math.tanh),
);
fact('truncates', 'cast', [tensor([1.9, -1.9, -0.5])], { dtype: 'int32' }, [1, -1, 0]);

const matrix = tensor([[1, 2, 3], [4, 5, 6]]); // biome-ignore format: rows
fact('over columns', 'sum', [matrix], { axes: [0], keepDimensions: false }, [5, 7, 9]);
fact('over rows, kept', 'sum', [matrix], { axes: [-1], keepDimensions: true }, [[6], [15]]);
fact('over all', 'mean', [matrix], { axes: [0, 1], keepDimensions: false }, 3.5);
fact('over columns', 'max', [matrix], { axes: [0], keepDimensions: false }, [4, 5, 6]);
fact('over rows', 'min', [matrix], { axes: [1], keepDimensions: false }, [1, 4]);

fact('swaps', 'transpose', [matrix], { permutation: [1, 0] }, [[1, 4], [2, 5], [3, 6]]); // biome-ignore format: rows
fact('takes the rest', 'slice', [matrix], { begin: [0, 1], size: [1, -1] }, [[2, 3]]);
fact('surrounds', 'pad', [tensor([[1, 2]])], { paddings: [[1, 0], [0, 1]], value: 9 }, [[9, 9, 9], [1, 2, 9]]); // biome-ignore format: rows
fact('joins columns', 'concat', [a, matrix], { axis: 1 }, [[1, 1, 2, 3], [2, 4, 5, 6]]); // biome-ignore format: rows
fact('repeats', 'broadcastTo', [a], { shape: [2, 2] }, [[1, 1], [2, 2]]); // biome-ignore format: rows
fact('gives zeros outside', 'gather', [matrix, integers([1, 2, -1])], {}, [[4, 5, 6], [0, 0, 0], [0, 0, 0]]); // biome-ignore format: rows
fact(
  'adds repeated rows',
  'scatterAdd',
  [integers([2, 0, 2]), tensor([1, 10, 100])],
  { rows: 4 },
  [10, 0, 101, 0],
);

const pair = tensor([
  [
    [1, 2, 3],
    [4, 5, 6],
  ],
  [
    [10, 0, 0],
    [0, 10, 1],
  ],
]);
fact('takes the matrix of the number', 'matmulChosen', [tensor([[1, 2], [1, 2]]), pair, integers([1, 0])], { transpose: false }, [[10, 20, 2], [9, 12, 15]]); // biome-ignore format: rows
fact('transposes', 'matmulChosen', [tensor([[1, 0, 2]]), pair, integers([0])], { transpose: true }, [[7, 16]]); // biome-ignore format: rows
fact('adds products of one number', 'outerChosen', [tensor([[1, 2], [1, 0], [5, 5]]), tensor([[3], [4], [1]]), integers([1, 1, 0])], { matrices: 2 }, [[[5], [5]], [[7], [6]]]); // biome-ignore format: rows
// tanh is 1, −1 or 0 here, and its slope 0 but where key and query cancel.
const [looked, asked] = [tensor([[[99, 2]], [[-99, 0]]]), tensor([[0, 99], [-198, -2]])]; // biome-ignore format: rows
fact('scores by tanh', 'additiveScores', [looked, asked, tensor([5, 7]), integers([1, 0])], {}, [[2], [-5]]); // biome-ignore format: rows
fact('goes to the unit that is free', 'additiveScoresGradient', [looked, asked, tensor([5, 7]), integers([1, 0]), tensor([[4], [3]])], {}, [[[0, 21]], [[0, 0]]], [[0, 0], [0, 21]], [[-4, 4], [-3, 0]]); // biome-ignore format: rows

const nine = tensor([
  [
    [[1], [2], [3]],
    [[4], [5], [6]],
    [[7], [8], [9]],
  ],
]);
const pool = { size: [2, 2], strides: [1, 1], padding: 'same' } as const;
fact('pads after', 'maxPool', [nine], pool, [
  [
    [[5], [6], [6]],
    [[8], [9], [9]],
    [[8], [9], [9]],
  ],
]);
fact('does not count padding', 'averagePool', [nine], pool, [
  [
    [[3], [4], [4.5]],
    [[6], [7], [7.5]],
    [[7.5], [8.5], [9]],
  ],
]);
const flat = tensor([
  [
    [[1], [1]],
    [[1], [1]],
  ],
]);
const whole = { size: [2, 2], strides: [1, 1], padding: 'valid' } as const;
const one = tensor([[[[1]]]]);
fact('goes to the first of equals', 'maxPoolGradient', [flat, one, one], whole, [
  [
    [[1], [0]],
    [[0], [0]],
  ],
]);
const shared = { ...whole, inputShape: [1, 2, 2, 1] };
fact('is shared', 'averagePoolGradient', [one], shared, [
  [
    [[0.25], [0.25]],
    [[0.25], [0.25]],
  ],
]);

const line = tensor([[[[0], [1], [2], [3]]]]);
fact('doubles between pixel centres', 'resizeBilinear', [tensor([[[[0], [1]]]])], { height: 1, width: 4 }, [
  [[[0], [0.25], [0.75], [1]]],
]);
fact('halves to the middle of pairs', 'resizeBilinear', [line], { height: 1, width: 2 }, [[[[0.5], [2.5]]]]);

fact('of the logarithms of weights', 'softmax', [tensor([0, Math.log(3)])], {}, [0.25, 0.75]);
fact('survives large inputs', 'logSoftmax', [tensor([1000, 1000, -1000])], {}, [
  -Math.LN2,
  -Math.LN2,
  -2000 - Math.LN2,
]);
fact('inverts the running sum, whatever the sum of all', 'categorical', [tensor([[1, 1, 2], [0, 3, 0], [2, 2, 4]]), tensor([0.5, 0.9, 0.49])], {}, [2, 1, 1]); // biome-ignore format: rows
fact('prefers the first', 'argmax', [tensor([[1, 3, 3], [-5, -6, -5]])], {}, [1, 0]); // biome-ignore format: rows
fact('descends, ties in order', 'topK', [tensor([2, 9, 2, 9, 1])], { k: 4 }, [9, 9, 2, 2], [1, 3, 0, 2]);

const uniform = tensor([[5, 5, 5, 5], [1, 1, 1, 1], [0, 0, 0, 0]]); // biome-ignore format: rows
const words = integers([3, 0, 2]);
fact('of equal logits', 'sparseCrossEntropy', [uniform, words], { ignore: 0 }, [Math.log(4), 0, Math.log(4)]);
fact('of equal logits', 'sparseCrossEntropyGradient', [uniform, words, tensor([4, 4, -4])], { ignore: 0 }, [
  [1, 1, 1, -3],
  [0, 0, 0, 0],
  [-1, -1, 3, -1],
]);

// A half of the label's weight is spread: the loss is the mean of ln 4 and the mean of −ln p, here the same.
const half = { ignore: 0, smoothing: 0.5 };
fact('smoothed, of equal logits', 'sparseCrossEntropy', [uniform, words], half, [
  Math.log(4),
  0,
  Math.log(4),
]);
const [two, first] = [tensor([[Math.log(3), 0]]), integers([0])];
const even = -(Math.log(0.75) + Math.log(0.25)) / 2;
fact('smoothed', 'sparseCrossEntropy', [two, first], { ignore: -1, smoothing: 0.2 }, [
  -0.8 * Math.log(0.75) + 0.2 * even,
]);
// softmax is (¾, ¼), the smoothed label (0.9, 0.1).
fact('smoothed', 'sparseCrossEntropyGradient', [two, first, tensor([10])], { ignore: -1, smoothing: 0.2 }, [
  [-1.5, 1.5],
]);

const channels = [tensor([[5, 1]]), tensor([1, 1]), tensor([4, 16]), tensor([0.5, 7]), tensor([3, 2])];
fact('standardises, scales and shifts', 'batchNorm', channels, { epsilon: 0 }, [[6.5, 7]]);

const cell = { activation: 'tanh', recurrentActivation: 'sigmoid' } as const;
// Gates driven to 0 or 1 one by one tell their order: input, forget, candidate, output.
fact(
  'takes the candidate',
  'lstmGates',
  [tensor([[99, -99, 99, 99]]), tensor([[3]])],
  cell,
  [[Math.tanh(1)]],
  [[1]],
);
fact(
  'keeps the state, shows nothing',
  'lstmGates',
  [tensor([[-99, 99, 99, -99]]), tensor([[3]])],
  cell,
  [[0]],
  [[3]],
);
fact(
  'halves between',
  'lstmGates',
  [tensor([[0, 0, 0, 0]]), tensor([[2]])],
  cell,
  [[Math.tanh(1) / 2]],
  [[1]],
);

fact(
  'steps downhill',
  'sgd',
  [tensor([1, 2]), tensor([10, -10])],
  { learningRate: 0.1, momentum: 0 },
  [0, 3],
);
const rolling = [tensor([1]), tensor([10]), tensor([-2])];
fact('rolls on', 'sgd', rolling, { learningRate: 0.1, momentum: 0.5 }, [-1], [-2]);

// Under a constant gradient the corrected moments are g and g², so every step is the learning rate: the closed form.
const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 0 };

test('adam: moves by the learning rate under a constant gradient', () => {
  let [p, m, v] = [tensor([5, 5]), tensor([0, 0]), tensor([0, 0])];
  for (let step = 1; step <= 7; step++) {
    const next = compute('adam', [p, tensor([0.3, -20]), m, v], { ...settings, step });
    [p, m, v] = next.map((values) => tensor(Array.from(values)));
    compare('adam', next[0], Float64Array.of(5 - 0.01 * step, 5 + 0.01 * step), 1e-12);
  }
});

test('adam: decays by the uncorrected rate beside the moments, so not at all through a gradient of zero', () => {
  const inputs = [tensor([5, -8]), tensor([0, 0]), tensor([0, 0]), tensor([0, 0])];
  const attributes = { ...settings, epsilon: 1, step: 1, weightDecay: 0.5 };
  const [next, mean, square] = compute('adam', inputs, attributes);
  compare('parameter', next, Float64Array.of(5 * 0.995, -8 * 0.995), 1e-12);
  compare('moments', Float64Array.of(...mean, ...square), new Float64Array(4), 0);
});

test('nadam: moves by the scheduled multiple of the learning rate under a constant gradient', () => {
  let [p, m, v] = [tensor([5, 5]), tensor([0, 0]), tensor([0, 0])];
  let momentumProduct = 1;
  let moved = 0;
  for (let step = 1; step <= 7; step++) {
    const momentum = 0.9 * (1 - 0.5 * 0.96 ** (step / 250));
    const following = 0.9 * (1 - 0.5 * 0.96 ** ((step + 1) / 250));
    momentumProduct *= nadamMomentum(0.9, step);
    const ofMean = (following * (1 - 0.9 ** step)) / (1 - momentumProduct * following);
    moved += 0.01 * ((1 - momentum) / (1 - momentumProduct) + ofMean);
    const next = compute('nadam', [p, tensor([0.3, -20]), m, v], { ...settings, step, momentumProduct });
    [p, m, v] = next.map((values) => tensor(Array.from(values)));
    compare('nadam', next[0], Float64Array.of(5 - moved, 5 + moved), 1e-12);
  }
});

test('dropout: drops the rate, scales the rest, and seeds are independent', () => {
  const count = 100_000;
  const x = valuesSample([count], new Array<number>(count).fill(3));
  const kept = [1, 2].map((seed) => compute('dropout', [x], { rate: 0.4, seed })[0]);
  for (const y of kept) {
    assert.equal([...new Set(y)].sort(), [0, 3 / (1 - 0.4)]);
    // Four standard deviations of a binomial: sqrt(0.4 · 0.6 · 100,000) = 155.
    const zeros = y.filter((value) => value === 0).length;
    assert.ok(Math.abs(zeros - 0.4 * count) < 620, `${zeros} of ${count} dropped`);
  }
  for (const shift of [0, 1, 2, 64]) {
    let both = 0;
    for (let i = shift; i < count; i++) if (kept[0][i] === 0 && kept[1][i - shift] === 0) both++;
    // sqrt(0.16 · 0.84 · 100,000) = 116.
    assert.ok(
      Math.abs(both - 0.16 * count) < 480,
      `${both} of ${count} dropped by both, shifted by ${shift}`,
    );
  }
});

test('errors name the op, what was given and what to do', () => {
  const spec = (...shape: number[]) => ({ shape, dtype: 'float32' }) as const;
  const ids = (...shape: number[]) => ({ shape, dtype: 'int32' }) as const;
  const cases: [() => unknown, new (message: string) => Error, RegExp][] = [
    [() => opTable.add.infer([spec(2, 3), spec(4)], {}), ShapeError, /add.*\[2, 3\].*\[4\].*reshape/],
    [() => opTable.add.infer([spec(2), ids(2)], {}), DTypeError, /add.*float32.*int32.*cast/],
    [() => opTable.modulo.infer([spec(2), spec(2)], {}), DTypeError, /modulo.*float32.*int32/],
    [() => opTable.exp.infer([ids(2)], {}), DTypeError, /exp.*\[2\] int32.*cast/],
    [
      () => opTable.reshape.infer([spec(2, 3)], { shape: [4, -1] }),
      ShapeError,
      /reshape.*\[2, 3\].*6.*\[4, -1\]/,
    ],
    [
      () => opTable.concat.infer([spec(2, 3), spec(3, 3)], { axis: 1 }),
      ShapeError,
      /concat.*\[2, 3\].*\[3, 3\]/,
    ],
    [() => opTable.transpose.infer([spec(2, 3)], { permutation: [0, 0] }), ShapeError, /transpose.*\[0, 0\]/],
    [() => opTable.topK.infer([spec(2, 3)], { k: 4 }), ShapeError, /topK.*k 4.*\[2, 3\]/],
    [
      () => opTable.sum.infer([spec(2)], { axes: [1], keepDimensions: false }),
      ShapeError,
      /sum.*axis 1.*rank 1/,
    ],
    [() => opTable.slice.infer([spec(4)], { begin: [3], size: [2] }), ShapeError, /slice.*\[3\].*\[4\]/],
    [() => opTable.maxPool.infer([spec(3, 3)], pool), ShapeError, /maxPool.*\[3, 3\].*batch, height/],
    [() => opTable.lstmGates.infer([spec(2, 6), spec(2, 2)], cell), ShapeError, /lstmGates.*\[2, 6\].*4/],
    [() => opTable.dropout.infer([spec(2)], { rate: 1, seed: 0 }), UnsupportedError, /dropout.*rate 1/],
    [() => opTable.gather.infer([spec(2), spec(2)], {}), DTypeError, /gather.*ids.*int32/],
  ];
  for (const [run, type, message] of cases) {
    try {
      run();
    } catch (error) {
      assert.instance(error, type);
      assert.match(String(error), message);
      continue;
    }
    assert.unreachable(`nothing thrown where ${message} was due`);
  }
});

test.run();
