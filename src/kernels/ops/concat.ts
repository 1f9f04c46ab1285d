import source from '../../../shaders/concat.wgsl';
import { checkInputCount } from '../op/checks.ts';
import { DTypeError, ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample } from '../op/samples.ts';
import { describe, elementCount, normaliseAxis, type TensorSpec } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';

export interface ConcatAttributes {
  readonly axis: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    concat: ConcatAttributes;
  }
}

/** Each input as a matrix: `outer` rows of the elements that lie together in it. */
function widths(
  inputs: readonly TensorSpec[],
  { axis }: ConcatAttributes,
): { outer: number; widths: number[] } {
  const normal = normaliseAxis('concat', axis, inputs[0].shape.length);
  return {
    outer: elementCount(inputs[0].shape.slice(0, normal)),
    widths: inputs.map(({ shape }) => elementCount(shape.slice(normal))),
  };
}

/** Tensors joined along an axis. */
export const concat: OpDefinition<ConcatAttributes> = {
  name: 'concat',
  summary: '1..n tensors [.., Cᵢ, ..] -> [.., ΣCᵢ, ..]: joined along `axis`',
  infer(inputs, { axis }) {
    checkInputCount('concat', inputs, 1, Number.MAX_SAFE_INTEGER);
    const [first] = inputs;
    const normal = normaliseAxis('concat', axis, first.shape.length);
    const shape = [...first.shape];
    for (const input of inputs.slice(1)) {
      if (input.dtype !== first.dtype) {
        throw new DTypeError(`concat: ${describe(first)} with ${describe(input)}; cast them to one type`);
      }
      const fits =
        input.shape.length === shape.length &&
        input.shape.every((size, other) => other === normal || size === shape[other]);
      if (!fits) {
        throw new ShapeError(
          `concat: ${describe(first)} with ${describe(input)} along axis ${axis}; all other sizes must be equal`,
        );
      }
      shape[normal] += input.shape[normal];
    }
    return [{ shape, dtype: first.dtype }];
  },
  cpu({ inputs, inputSpecs, outputs: [y], attributes }) {
    const parts = widths(inputSpecs, attributes);
    const total = parts.widths.reduce((sum, width) => sum + width, 0);
    let start = 0;
    for (const [index, x] of inputs.entries()) {
      const width = parts.widths[index];
      for (let row = 0; row < parts.outer; row++) {
        const from = row * width;
        const to = row * total + start;
        if (width > 32) y.set(x.subarray(from, from + width), to);
        else for (let i = 0; i < width; i++) y[to + i] = x[from + i];
      }
      start += width;
    }
  },
  wgsl({ inputs, attributes, adapter }) {
    const parts = widths(inputs, attributes);
    const total = parts.widths.reduce((sum, width) => sum + width, 0);
    let start = 0;
    return parts.widths.map((width, index) => {
      const offset = start;
      start += width;
      const count = parts.outer * width;
      return {
        shader: { name: 'concat', source },
        uniforms: { count, width, total, offset },
        bindings: [{ input: index }, { output: 0 }],
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      };
    });
  },
  gradient(context) {
    const { inputs, gradients, needs, attributes } = context;
    const axis = normaliseAxis('concat', attributes.axis, inputs[0].shape.length);
    let start = 0;
    return inputs.map(({ shape }, index) => {
      const begin = shape.map((_, other) => (other === axis ? start : 0));
      start += shape[axis];
      return needs[index] ? context.run('slice', [gradients[0]], { begin, size: shape }) : null;
    });
  },
  samples: () => [
    {
      name: 'channels',
      inputs: [floatSample([2, 3, 5], 1), floatSample([2, 3, 40], 2), floatSample([2, 3, 1], 3)],
      attributes: { axis: -1 },
    },
    { name: 'rows', inputs: [floatSample([2, 3], 4), floatSample([5, 3], 5)], attributes: { axis: 0 } },
    {
      name: 'middle',
      inputs: [floatSample([2, 1, 4], 6), floatSample([2, 3, 4], 7)],
      attributes: { axis: 1 },
    },
    { name: 'one', inputs: [floatSample([3], 8)], attributes: { axis: 0 } },
    {
      name: 'int32',
      inputs: [integerSample([2, 2], 9, -9, 9), integerSample([2, 1], 10, -9, 9)],
      attributes: { axis: 1 },
    },
  ],
};
