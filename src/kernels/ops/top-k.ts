import source from '../../../shaders/top-k.wgsl';
import { checkDType, checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { BindingReference, GpuCall, Launch, OpDefinition } from '../op/op.ts';
import { floatSample, valuesSample } from '../op/samples.ts';
import { describe, elementCount } from '../op/spec.ts';
import { lastAxisVariants, rowLaunch } from '../parts/row-kernels.ts';

export interface TopKAttributes {
  readonly k: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    topK: TopKAttributes;
  }
}

/** The launch of top-k.wgsl over the last axis, with the given operands for x, values and indices. */
export function topKLaunch<A>(
  { inputs: [{ shape }], adapter }: GpuCall<A>,
  variant: string,
  k: number,
  bindings: readonly BindingReference[],
): Launch {
  const columns = shape[shape.length - 1];
  const rows = elementCount(shape) / columns;
  const hooks = [{ name: 'top-k', source }];
  return rowLaunch({ rows, columns, hooks, uniforms: { k }, bindings }, variant, adapter);
}

/** The k largest elements of the last axis in descending order; of equals the one of lower index comes first. */
export const topK: OpDefinition<TopKAttributes> = {
  name: 'topK',
  summary: 'x [.., N] -> values [.., k] descending, indices int32 [.., k]; ties by lower index',
  infer(inputs, { k }) {
    checkInputCount('topK', inputs, 1);
    const [x] = inputs;
    checkDType('topK', 'x', x, 'float32');
    const columns = x.shape.at(-1) ?? 0;
    if (!(Number.isInteger(k) && k >= 1 && k <= columns)) {
      throw new ShapeError(
        `topK: k ${k} given for ${describe(x)}; expected a whole number from 1 to the size of the last axis`,
      );
    }
    const shape = [...x.shape.slice(0, -1), k];
    return [
      { shape, dtype: 'float32' },
      { shape, dtype: 'int32' },
    ];
  },
  cpu({ inputs: [x], inputSpecs: [{ shape }], outputs: [values, indices], attributes: { k } }) {
    const columns = shape[shape.length - 1];
    for (let from = 0, to = 0; from < x.length; from += columns, to += k) {
      // Insertion into the best so far: most elements are below the last of them and cost one comparison.
      let found = 0;
      for (let column = 0; column < columns; column++) {
        const value = x[from + column];
        if (found === k && !(value > values[to + k - 1])) continue;
        let place = found < k ? found++ : k - 1;
        for (; place > 0 && value > values[to + place - 1]; place--) {
          values[to + place] = values[to + place - 1];
          indices[to + place] = indices[to + place - 1];
        }
        values[to + place] = value;
        indices[to + place] = column;
      }
    }
  },
  simd({ inputs: [x], inputSpecs: [{ shape }], outputs: [values, indices], attributes: { k }, run }) {
    const columns = shape[shape.length - 1];
    run('topK', [x, values, indices, columns, k], elementCount(shape) / columns, 0.2 * columns);
    return true;
  },
  variants: ({ inputs: [x], adapter }) => lastAxisVariants(x, adapter),
  wgsl: (call, variant) => [
    topKLaunch(call, variant, call.attributes.k, [{ input: 0 }, { output: 0 }, { output: 1 }]),
  ],
  // The values are piecewise copies of x and have a gradient, a scatter into each row; only search uses this op, and
  // search is never differentiated.
  gradient: 'none',
  samples: () => [
    { name: 'beam', inputs: [floatSample([3, 97], 1)], attributes: { k: 4 } },
    { name: 'all', inputs: [floatSample([2, 2, 5], 2)], attributes: { k: 5 } },
    { name: 'vector', inputs: [floatSample([130], 3)], attributes: { k: 1 } },
    {
      name: 'ties',
      inputs: [valuesSample([2, 6], [1, 3, 3, 0, 3, 1, -1, -1, -1, -1, -1, -1])],
      attributes: { k: 4 },
    },
    {
      name: 'ties in a long row',
      inputs: [
        valuesSample(
          [2, 600],
          Array.from({ length: 1200 }, (_, index) => (7 * index) % 13),
        ),
      ],
      attributes: { k: 5 },
    },
    { name: 'very low', inputs: [valuesSample([1, 4], [-3e38, -1e30, -2e38, -3e38])], attributes: { k: 4 } },
  ],
};
