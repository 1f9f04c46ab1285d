import { checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample } from '../op/samples.ts';
import { describe, type Shape, stridesOf } from '../op/spec.ts';
import { copyStrided, type Reading, stridedCopyLaunch } from '../parts/strided-copy.ts';

export interface TransposeAttributes {
  /** Axis of x that becomes each axis of the output. */
  readonly permutation: readonly number[];
}

declare module '../op/op.ts' {
  interface OpAttributes {
    transpose: TransposeAttributes;
  }
}

function readingOf(from: Shape, { permutation }: TransposeAttributes): Reading {
  const strides = stridesOf(from);
  return {
    shape: permutation.map((axis) => from[axis]),
    strides: permutation.map((axis) => strides[axis]),
    offset: 0,
  };
}

/** Axes in another order. */
export const transpose: OpDefinition<TransposeAttributes> = {
  name: 'transpose',
  summary: 'x [...] -> x with axis i taken from axis permutation[i]',
  infer(inputs, attributes) {
    checkInputCount('transpose', inputs, 1);
    const [x] = inputs;
    const { permutation } = attributes;
    const complete = x.shape.every((_, axis) => permutation.includes(axis));
    if (permutation.length !== x.shape.length || !complete) {
      throw new ShapeError(
        `transpose: permutation [${permutation.join(', ')}] given for ${describe(x)}; ` +
          `name each axis 0 … ${x.shape.length - 1} once`,
      );
    }
    return [{ shape: readingOf(x.shape, attributes).shape, dtype: x.dtype }];
  },
  cpu({ inputs, inputSpecs, outputs, attributes }) {
    copyStrided(inputs[0], outputs[0], readingOf(inputSpecs[0].shape, attributes));
  },
  wgsl({ inputs, attributes, adapter }) {
    return [stridedCopyLaunch(readingOf(inputs[0].shape, attributes), adapter)];
  },
  gradient(context) {
    const { permutation } = context.attributes;
    const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
    return [context.run('transpose', [context.gradients[0]], { permutation: inverse })];
  },
  samples: () => [
    { name: 'matrix', inputs: [floatSample([5, 17], 1)], attributes: { permutation: [1, 0] } },
    { name: 'rotation', inputs: [floatSample([3, 4, 5], 2)], attributes: { permutation: [2, 0, 1] } },
    { name: 'inner kept', inputs: [floatSample([3, 4, 40], 3)], attributes: { permutation: [1, 0, 2] } },
    { name: 'identity', inputs: [floatSample([3, 4], 4)], attributes: { permutation: [0, 1] } },
    { name: 'scalar', inputs: [floatSample([], 5)], attributes: { permutation: [] } },
    {
      name: 'rank 6',
      inputs: [floatSample([2, 3, 2, 3, 2, 3], 6)],
      attributes: { permutation: [5, 1, 3, 0, 4, 2] },
    },
    { name: 'int32', inputs: [integerSample([3, 7], 7, -50, 50)], attributes: { permutation: [1, 0] } },
  ],
};
