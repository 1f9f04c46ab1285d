import source from '../../../shaders/additive-scores.wgsl';
import { checkDType, checkInputCount, checkRank, checkShape } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { NoAttributes, OpDefinition, SampleInput } from '../op/op.ts';
import { floatSample, integerSample, valuesSample } from '../op/samples.ts';
import { describe, elementCount, type TensorSpec } from '../op/spec.ts';
import { checkChoice, chosen } from '../parts/choice.ts';
import { rowLaunch, rowVariants } from '../parts/row-kernels.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    additiveScores: NoAttributes;
  }
}

/** Sizes of a call: grids, their places, units, and rows that look at them. */
export interface AdditiveGeometry {
  readonly grids: number;
  readonly places: number;
  readonly units: number;
  readonly rows: number;
}

export function additiveGeometry([keys, queries]: readonly TensorSpec[]): AdditiveGeometry {
  const [grids, places, units] = keys.shape;
  return { grids, places, units, rows: queries.shape[0] };
}

/** Checks keys, queries, score and choice; throws ShapeError or DTypeError. */
export function checkAdditive(op: string, inputs: readonly TensorSpec[]): void {
  const [keys, queries, score, choice] = inputs;
  checkDType(op, 'keys', keys, 'float32');
  checkRank(op, 'keys', keys, 3, '[grids, places, units]');
  checkDType(op, 'queries', queries, 'float32');
  checkRank(op, 'queries', queries, 2, '[rows, units]');
  const units = keys.shape[2];
  if (queries.shape[1] !== units) {
    throw new ShapeError(
      `${op}: keys are ${describe(keys)} and queries ${describe(queries)}; both must have as many units`,
    );
  }
  checkDType(op, 'score', score, 'float32');
  checkShape(op, 'score', score, [units]);
  checkChoice(op, choice, queries.shape[0]);
}

/** Keys, queries, score and choice, for the tests of both ops. */
export const additiveCases: readonly { name: string; inputs: readonly SampleInput[] }[] = [
  ['captions of some images', 7, 3, 5, 18],
  ['one query', 1, 1, 9, 33],
  ['few units', 4, 2, 3, 2],
].map(([name, rows, grids, places, units]) => ({
  name: name as string,
  inputs: [
    floatSample([grids as number, places as number, units as number], 1, -2, 2),
    floatSample([rows as number, units as number], 2),
    floatSample([units as number], 3),
    integerSample([rows as number], 4, 0, grids as number),
  ],
}));

/** The case of numbers that are of no grid, and of values so large that tanh saturates. */
export const additiveEdges: typeof additiveCases = [
  {
    name: 'outside',
    inputs: [
      floatSample([2, 3, 6], 5),
      floatSample([3, 6], 6),
      floatSample([6], 7),
      valuesSample([3], [2, 0, -1], 'int32'),
    ],
  },
  {
    name: 'large',
    inputs: [
      valuesSample([1, 2, 2], [500, -500, 60, 1]),
      valuesSample([1, 2], [0, 0.5]),
      valuesSample([2], [2, 0.5]),
      valuesSample([1], [0], 'int32'),
    ],
  },
];

/**
 * Scores of additive attention (Bahdanau et al. 2015, arXiv 1409.0473), in one pass that never forms the tanh of every
 * place for every row: rows × places × units numbers, which autograd would keep several times for each step.
 */
export const additiveScores: OpDefinition<NoAttributes> = {
  name: 'additiveScores',
  summary:
    'keys [N, P, A], queries [B, A], score [A], choice int32 [B] -> [B, P]: score · tanh(key + query) for each place of ' +
    'the grid of each row’s number; zeros where that is of no grid',
  infer(inputs) {
    checkInputCount('additiveScores', inputs, 4);
    checkAdditive('additiveScores', inputs);
    return [{ shape: [inputs[1].shape[0], inputs[0].shape[1]], dtype: 'float32' }];
  },
  cpu({ inputs: [keys, queries, score, choice], inputSpecs, outputs: [y] }) {
    const { grids, places, units, rows } = additiveGeometry(inputSpecs);
    for (let row = 0; row < rows; row++) {
      const grid = chosen(choice, row, grids);
      for (let place = 0; place < places; place++) {
        let sum = 0;
        const from = (grid * places + place) * units;
        for (let i = 0; grid >= 0 && i < units; i++) {
          sum += score[i] * Math.tanh(keys[from + i] + queries[row * units + i]);
        }
        y[row * places + place] = sum;
      }
    }
  },
  simd({ inputs: [keys, queries, score, choice], inputSpecs, outputs: [y], run }) {
    const { grids, places, units, rows } = additiveGeometry(inputSpecs);
    const operands = [keys, queries, score, choice, y, grids, places, units] as const;
    run('additiveScores', [...operands], rows, 2 * places * units);
    return true;
  },
  variants({ inputs, adapter }) {
    const { places, units, rows } = additiveGeometry(inputs);
    return rowVariants(rows * places, units, adapter);
  },
  wgsl({ inputs, adapter }, variant) {
    const { grids, places, units, rows } = additiveGeometry(inputs);
    const hooks = [{ name: 'additive-scores', source }];
    const kernel = { rows: rows * places, columns: units, hooks, uniforms: { grids, places } };
    return [rowLaunch(kernel, variant, adapter)];
  },
  flops: ({ inputs: [{ shape }], outputs: [y] }) => 4 * elementCount(y.shape) * shape[2],
  gradient(context) {
    const [keys, queries, score] = context.runAll(
      'additiveScoresGradient',
      [...context.inputs, context.gradients[0]],
      {},
    );
    return [keys, queries, context.run('sum', [score], { axes: [0], keepDimensions: false }), null];
  },
  samples: () =>
    [...additiveCases, ...additiveEdges].map(({ name, inputs }) => ({ name, inputs, attributes: {} })),
};
