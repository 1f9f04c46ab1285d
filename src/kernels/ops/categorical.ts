import source from '../../../shaders/categorical.wgsl';
import { checkDType, checkInputCount, checkShape } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { NoAttributes, OpDefinition } from '../op/op.ts';
import { floatSample, valuesSample } from '../op/samples.ts';
import { describe, elementCount } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    categorical: NoAttributes;
  }
}

/**
 * Draws from distributions by inverting their cumulative sums (Devroye 1986, "Non-Uniform Random Variate Generation",
 * III.2): the first index at which the running sum of p exceeds u · Σ p. The random numbers come from outside, so the op is
 * a function of its inputs as every other. An index of probability 0 is never drawn, unless all are 0.
 */
export const categorical: OpDefinition<NoAttributes> = {
  name: 'categorical',
  summary:
    'p [.., N] ≥ 0, u [..] of 0 up to 1 -> int32 [..]: first index where the running sum of p exceeds u · Σ p',
  infer(inputs) {
    checkInputCount('categorical', inputs, 2);
    const [p, u] = inputs;
    checkDType('categorical', 'p', p, 'float32');
    checkDType('categorical', 'u', u, 'float32');
    if (!p.shape.at(-1)) {
      throw new ShapeError(
        `categorical: p is ${describe(p)}, expected rank 1 or more and a last axis that is not empty`,
      );
    }
    checkShape('categorical', 'u', u, p.shape.slice(0, -1));
    return [{ shape: u.shape, dtype: 'int32' }];
  },
  cpu({ inputs: [p, u], inputSpecs: [{ shape }], outputs: [y] }) {
    const columns = shape[shape.length - 1];
    for (let row = 0; row < y.length; row++) {
      const from = row * columns;
      let total = 0;
      for (let i = 0; i < columns; i++) total += p[from + i];
      const wanted = u[row] * total;
      let sum = 0;
      // Rounding may leave the sum a hair below: then it is the last that has a share.
      let chosen = 0;
      for (let i = 0; i < columns; i++) {
        if (p[from + i] > 0) chosen = i;
        sum += p[from + i];
        if (sum > wanted) break;
      }
      y[row] = chosen;
    }
  },
  wgsl({ inputs: [{ shape }], adapter }) {
    const columns = shape[shape.length - 1];
    const rows = elementCount(shape) / columns;
    return [
      {
        shader: { name: 'categorical', source },
        uniforms: { rows, columns },
        grid: linearGrid(rows, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: 'none',
  samples: () => [
    { name: 'rows', inputs: [floatSample([70, 31], 1, 0, 1), floatSample([70], 2, 0, 1)], attributes: {} },
    { name: 'vector', inputs: [floatSample([50], 3, 0, 1), valuesSample([], [0.4])], attributes: {} },
    {
      name: 'ends and zeros',
      inputs: [
        valuesSample([4, 3], [0, 1, 3, 0, 2, 0, 1, 1, 2, 0, 0, 0]),
        valuesSample([4], [0, 0.999, 0.5, 0.3]),
      ],
      attributes: {},
    },
  ],
};
