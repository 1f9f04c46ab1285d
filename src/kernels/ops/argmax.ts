import { checkDType, checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { NoAttributes, OpDefinition } from '../op/op.ts';
import { floatSample, valuesSample } from '../op/samples.ts';
import { describe, elementCount } from '../op/spec.ts';
import { lastAxisVariants } from '../parts/row-kernels.ts';
import { topKLaunch } from './top-k.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    argmax: NoAttributes;
  }
}

/** Index of the largest element of the last axis, of equals the first. */
export const argmax: OpDefinition<NoAttributes> = {
  name: 'argmax',
  summary: 'x [.., N] -> int32 [..]: index of the largest element of the last axis, of equals the first',
  infer(inputs) {
    checkInputCount('argmax', inputs, 1);
    const [x] = inputs;
    checkDType('argmax', 'x', x, 'float32');
    if (!x.shape.at(-1)) {
      throw new ShapeError(
        `argmax: x is ${describe(x)}, expected rank 1 or more and a last axis that is not empty`,
      );
    }
    return [{ shape: x.shape.slice(0, -1), dtype: 'int32' }];
  },
  cpu({ inputs: [x], inputSpecs: [{ shape }], outputs: [y] }) {
    const columns = shape[shape.length - 1];
    for (let row = 0; row < y.length; row++) {
      const from = row * columns;
      let best = from;
      for (let i = from + 1; i < from + columns; i++) if (x[i] > x[best]) best = i;
      y[row] = best - from;
    }
  },
  simd({ inputs: [x], inputSpecs: [{ shape }], outputs: [y], scratch, run }) {
    const columns = shape[shape.length - 1];
    const rows = elementCount(shape) / columns;
    run('topK', [x, scratch(4 * rows), y, columns, 1], rows, 0.2 * columns);
    return true;
  },
  variants: ({ inputs: [x], adapter }) => lastAxisVariants(x, adapter),
  wgsl: (call, variant) => {
    const values = { scratch: 0, bytes: 4 * elementCount(call.outputs[0].shape) };
    return [topKLaunch(call, variant, 1, [{ input: 0 }, values, { output: 0 }])];
  },
  gradient: 'none',
  samples: () => [
    { name: 'rows', inputs: [floatSample([3, 97], 1)], attributes: {} },
    { name: 'many rows', inputs: [floatSample([70, 5], 2)], attributes: {} },
    { name: 'vector', inputs: [floatSample([130], 3)], attributes: {} },
    {
      name: 'ties',
      inputs: [valuesSample([3, 4], [1, 3, 3, 0, 2, 2, 2, 2, -3e38, 0, 0, 0])],
      attributes: {},
    },
  ],
};
