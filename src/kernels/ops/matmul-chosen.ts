import source from '../../../shaders/matmul-chosen.wgsl';
import { checkDType, checkInputCount, checkRank } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition, Sample } from '../op/op.ts';
import { floatSample, integerSample, valuesSample } from '../op/samples.ts';
import { describe, elementCount } from '../op/spec.ts';
import { checkChoice, chosen } from '../parts/choice.ts';
import { elementLaunch } from '../parts/element-kernels.ts';

export interface MatmulChosenAttributes {
  /** Whether a row is multiplied with its matrix transposed. */
  readonly transpose: boolean;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    matmulChosen: MatmulChosenAttributes;
  }
}

/**
 * Each row times the matrix of its number: how sentences attend to the grids of their images, of which several share one.
 * Without it each sentence would need a copy of its grid.
 */
export const matmulChosen: OpDefinition<MatmulChosenAttributes> = {
  name: 'matmulChosen',
  summary:
    'x [B, K], matrices [N, K, M], choice int32 [B] -> [B, M]: each row times the matrix of its number, or with ' +
    '`transpose` x [B, M] -> [B, K]; zeros where the number is of no matrix',
  infer(inputs, { transpose }) {
    checkInputCount('matmulChosen', inputs, 3);
    const [x, matrices, choice] = inputs;
    checkDType('matmulChosen', 'x', x, 'float32');
    checkRank('matmulChosen', 'x', x, 2, '[rows, depth]');
    checkDType('matmulChosen', 'matrices', matrices, 'float32');
    checkRank('matmulChosen', 'matrices', matrices, 3, '[matrices, depth, columns]');
    checkChoice('matmulChosen', choice, x.shape[0]);
    const [, k, m] = matrices.shape;
    if (x.shape[1] !== (transpose ? m : k)) {
      throw new ShapeError(
        `matmulChosen: x is ${describe(x)} and the matrices ${describe(matrices)}${transpose ? ', transposed' : ''}; ` +
          'the width of a row must be the depth of a matrix',
      );
    }
    return [{ shape: [x.shape[0], transpose ? k : m], dtype: 'float32' }];
  },
  cpu({ inputs: [x, matrices, choice], inputSpecs, outputs: [y], attributes: { transpose } }) {
    const [count, k, m] = inputSpecs[1].shape;
    const [depth, columns] = transpose ? [m, k] : [k, m];
    const [down, across] = transpose ? [1, m] : [m, 1];
    for (let row = 0; row < choice.length; row++) {
      const number = chosen(choice, row, count);
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        let at = number * k * m + column * across;
        for (let i = 0; number >= 0 && i < depth; i++, at += down) sum += x[row * depth + i] * matrices[at];
        y[row * columns + column] = sum;
      }
    }
  },
  simd({ inputs: [x, matrices, choice], inputSpecs, outputs: [y], attributes: { transpose }, run }) {
    const [count, k, m] = inputSpecs[1].shape;
    run(
      'matmulChosen',
      [x, matrices, choice, y, count, k, m, transpose ? 1 : 0],
      inputSpecs[0].shape[0],
      0.1 * k * m,
    );
    return true;
  },
  wgsl({ inputs: [, matrices], outputs, attributes: { transpose }, adapter }) {
    const [count, k, m] = matrices.shape;
    const size = elementCount(outputs[0].shape);
    const [depth, columns, down, across] = transpose ? [m, k, 1, m] : [k, m, m, 1];
    const hook = { name: 'matmul-chosen', source };
    return [
      elementLaunch({ hook, size, uniforms: { matrices: count, depth, columns, down, across } }, adapter),
    ];
  },
  flops: ({ inputs: [x], outputs: [y] }) => 2 * x.shape[1] * elementCount(y.shape),
  gradient(context) {
    const [x, matrices, choice] = context.inputs;
    const [g] = context.gradients;
    const { transpose } = context.attributes;
    const outer = transpose ? [g, x] : [x, g];
    return [
      context.needs[0] ? context.run('matmulChosen', [g, matrices, choice], { transpose: !transpose }) : null,
      context.needs[1]
        ? context.run('outerChosen', [...outer, choice], { matrices: matrices.shape[0] })
        : null,
      null,
    ];
  },
  samples: () => {
    const of = (
      name: string,
      [b, n, k, m]: readonly number[],
      transpose: boolean,
    ): Sample<MatmulChosenAttributes> => ({
      name,
      inputs: [
        floatSample([b, transpose ? m : k], 1),
        floatSample([n, k, m], 2),
        integerSample([b], 3, 0, n),
      ],
      attributes: { transpose },
    });
    return [
      of('rows of some matrices', [7, 3, 5, 18], false),
      of('transposed', [7, 3, 5, 18], true),
      of('one row', [1, 1, 9, 33], false),
      of('one column', [4, 2, 6, 1], false),
      of('narrow, transposed', [5, 4, 3, 2], true),
      {
        name: 'outside',
        inputs: [floatSample([3, 4], 4), floatSample([2, 4, 5], 5), valuesSample([3], [-1, 1, 2], 'int32')],
        attributes: { transpose: false },
      },
    ];
  },
};
