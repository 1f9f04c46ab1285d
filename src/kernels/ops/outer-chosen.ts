import source from '../../../shaders/outer-chosen.wgsl';
import { checkDType, checkInputCount, checkRank } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample, valuesSample } from '../op/samples.ts';
import { describe, elementCount } from '../op/spec.ts';
import { checkChoice, chosen } from '../parts/choice.ts';
import { elementLaunch } from '../parts/element-kernels.ts';

export interface OuterChosenAttributes {
  /** Matrices of the output. */
  readonly matrices: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    outerChosen: OuterChosenAttributes;
  }
}

/** Outer products of rows, added up by number: the backward pass of matmulChosen. */
export const outerChosen: OpDefinition<OuterChosenAttributes> = {
  name: 'outerChosen',
  summary:
    'a [B, K], b [B, M], choice int32 [B] -> [matrices, K, M]: the outer product of each two rows, added to the matrix ' +
    'of their number',
  infer(inputs, { matrices }) {
    checkInputCount('outerChosen', inputs, 3);
    const [a, b, choice] = inputs;
    for (const [what, spec] of [
      ['a', a],
      ['b', b],
    ] as const) {
      checkDType('outerChosen', what, spec, 'float32');
      checkRank('outerChosen', what, spec, 2, '[rows, width]');
    }
    if (a.shape[0] !== b.shape[0]) {
      throw new ShapeError(
        `outerChosen: a is ${describe(a)} and b ${describe(b)}; both must have as many rows`,
      );
    }
    checkChoice('outerChosen', choice, a.shape[0]);
    return [{ shape: [matrices, a.shape[1], b.shape[1]], dtype: 'float32' }];
  },
  cpu({ inputs: [a, b, choice], outputs: [y], outputSpecs }) {
    const [matrices, k, m] = outputSpecs[0].shape;
    const sums = new Float64Array(y.length);
    for (let row = 0; row < choice.length; row++) {
      const number = chosen(choice, row, matrices);
      for (let i = 0; number >= 0 && i < k; i++) {
        const factor = a[row * k + i];
        const to = (number * k + i) * m;
        for (let j = 0; j < m; j++) sums[to + j] += factor * b[row * m + j];
      }
    }
    y.set(sums);
  },
  simd({ inputs: [a, b, choice], inputSpecs, outputs: [y], outputSpecs, run }) {
    const [matrices, k, m] = outputSpecs[0].shape;
    const rows = inputSpecs[2].shape[0];
    const cost = (0.2 * rows * k * m) / Math.max(1, matrices);
    run('outerChosen', [a, b, choice, y, rows, k, m], matrices, cost);
    return true;
  },
  wgsl({ inputs: [, , choice], outputs, adapter }) {
    const [, k, m] = outputs[0].shape;
    const size = elementCount(outputs[0].shape);
    const hook = { name: 'outer-chosen', source };
    return [elementLaunch({ hook, size, uniforms: { rows: choice.shape[0], k, m } }, adapter)];
  },
  flops: ({ inputs: [a, b] }) => 2 * elementCount(a.shape) * b.shape[1],
  gradient(context) {
    const [a, b, choice] = context.inputs;
    const [g] = context.gradients;
    return [
      context.needs[0] ? context.run('matmulChosen', [b, g, choice], { transpose: true }) : null,
      context.needs[1] ? context.run('matmulChosen', [a, g, choice], { transpose: false }) : null,
      null,
    ];
  },
  samples: () => [
    {
      name: 'rows to some matrices',
      inputs: [floatSample([9, 5], 1), floatSample([9, 18], 2), integerSample([9], 3, 0, 4)],
      attributes: { matrices: 4 },
    },
    {
      name: 'narrow',
      inputs: [floatSample([4, 3], 4), floatSample([4, 2], 5), integerSample([4], 6, 0, 2)],
      attributes: { matrices: 2 },
    },
    {
      name: 'outside, and a matrix of no row',
      inputs: [floatSample([3, 2], 7), floatSample([3, 5], 8), valuesSample([3], [3, -1, 1], 'int32')],
      attributes: { matrices: 3 },
    },
  ],
};
