import { checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample } from '../op/samples.ts';
import { describe, normaliseAxis, type Shape, stridesOf } from '../op/spec.ts';
import { copyStrided, type Reading, stridedCopyLaunch } from '../parts/strided-copy.ts';

export interface SplitAttributes {
  readonly axis: number;
  /** Indices of each part along `axis`; they add up to all of it. */
  readonly sizes: readonly number[];
}

declare module '../op/op.ts' {
  interface OpAttributes {
    split: SplitAttributes;
  }
}

/** How each part lies in x. */
function readings(x: Shape, { axis, sizes }: SplitAttributes): Reading[] {
  const normal = normaliseAxis('split', axis, x.length);
  const strides = stridesOf(x);
  let start = 0;
  return sizes.map((size) => {
    const offset = start * strides[normal];
    start += size;
    return { shape: x.map((length, other) => (other === normal ? size : length)), strides, offset };
  });
}

/**
 * All parts of a tensor along an axis at once. Slices would do the same, but each one's gradient is as large as x and
 * they must be added up; the gradient of a split is one concat.
 */
export const split: OpDefinition<SplitAttributes> = {
  name: 'split',
  summary: 'x [.., ΣCᵢ, ..] -> n tensors [.., Cᵢ, ..]: cut along `axis` into parts of `sizes`',
  infer(inputs, attributes) {
    checkInputCount('split', inputs, 1);
    const [x] = inputs;
    const axis = normaliseAxis('split', attributes.axis, x.shape.length);
    const total = attributes.sizes.reduce((sum, size) => sum + size, 0);
    if (
      total !== x.shape[axis] ||
      attributes.sizes.length === 0 ||
      !attributes.sizes.every((size) => size >= 0)
    ) {
      throw new ShapeError(
        `split: sizes [${attributes.sizes.join(', ')}] given for axis ${axis} of ${describe(x)}; ` +
          `they must add up to ${x.shape[axis]}`,
      );
    }
    return readings(x.shape, attributes).map(({ shape }) => ({ shape, dtype: x.dtype }));
  },
  cpu({ inputs: [x], inputSpecs, outputs, attributes }) {
    for (const [index, reading] of readings(inputSpecs[0].shape, attributes).entries()) {
      copyStrided(x, outputs[index], reading);
    }
  },
  wgsl({ inputs, attributes, adapter }) {
    return readings(inputs[0].shape, attributes).map((reading, index) => ({
      ...stridedCopyLaunch(reading, adapter),
      bindings: [{ input: 0 }, { output: index }],
    }));
  },
  gradient: (context) => [context.run('concat', context.gradients, { axis: context.attributes.axis })],
  samples: () => [
    { name: 'rows', inputs: [floatSample([9, 5], 1)], attributes: { axis: 0, sizes: [4, 3, 2] } },
    { name: 'channels', inputs: [floatSample([2, 3, 7], 2)], attributes: { axis: -1, sizes: [1, 6] } },
    { name: 'one part', inputs: [floatSample([4], 3)], attributes: { axis: 0, sizes: [4] } },
    { name: 'int32', inputs: [integerSample([6], 4, -9, 9)], attributes: { axis: 0, sizes: [2, 2, 2] } },
  ],
};
