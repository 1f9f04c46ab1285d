import { checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample } from '../op/samples.ts';
import { describe, elementCount, type Shape, stridesOf, type TensorSpec } from '../op/spec.ts';
import { copyStrided, type Reading, stridedCopyLaunch } from '../parts/strided-copy.ts';

export interface SliceAttributes {
  /** First index taken, per axis. */
  readonly begin: readonly number[];
  /** Indices taken, per axis; -1 takes all that follow `begin`. */
  readonly size: readonly number[];
}

declare module '../op/op.ts' {
  interface OpAttributes {
    slice: SliceAttributes;
  }
}

function readingOf(x: TensorSpec, shape: Shape, { begin }: SliceAttributes): Reading {
  const strides = stridesOf(x.shape);
  const offset = begin.reduce((sum, first, axis) => sum + first * strides[axis], 0);
  return { shape, strides, offset };
}

/** A rectangular part of a tensor. */
export const slice: OpDefinition<SliceAttributes> = {
  name: 'slice',
  summary: 'x [...] -> [size]: the part of x that starts at `begin`; size -1 takes the rest of an axis',
  infer(inputs, { begin, size }) {
    checkInputCount('slice', inputs, 1);
    const [x] = inputs;
    const asked = `begin [${begin.join(', ')}] size [${size.join(', ')}]`;
    if (begin.length !== x.shape.length || size.length !== x.shape.length) {
      throw new ShapeError(`slice: ${asked} given for ${describe(x)}; give one number per axis`);
    }
    const shape = x.shape.map((length, axis) => {
      const taken = size[axis] === -1 ? length - begin[axis] : size[axis];
      if (!(begin[axis] >= 0 && taken >= 0 && begin[axis] + taken <= length)) {
        throw new ShapeError(
          `slice: ${asked} leaves ${describe(x)} on axis ${axis}; keep begin + size within it`,
        );
      }
      return taken;
    });
    return [{ shape, dtype: x.dtype }];
  },
  cpu({ inputs, inputSpecs, outputs, outputSpecs, attributes }) {
    copyStrided(inputs[0], outputs[0], readingOf(inputSpecs[0], outputSpecs[0].shape, attributes));
  },
  wgsl({ inputs, outputs, attributes, adapter }) {
    return [stridedCopyLaunch(readingOf(inputs[0], outputs[0].shape, attributes), adapter)];
  },
  bytes: ({ outputs: [{ shape }] }) => 8 * elementCount(shape),
  gradient(context) {
    const {
      inputs: [x],
      gradients: [g],
      attributes: { begin },
    } = context;
    const paddings = x.shape.map((length, axis): [number, number] => [
      begin[axis],
      length - begin[axis] - g.shape[axis],
    ]);
    return [context.run('pad', [g], { paddings, value: 0 })];
  },
  samples: () => [
    { name: 'inner', inputs: [floatSample([4, 9, 5], 1)], attributes: { begin: [1, 2, 0], size: [2, 4, 5] } },
    { name: 'rest', inputs: [floatSample([6, 70], 2)], attributes: { begin: [2, 3], size: [-1, -1] } },
    { name: 'last column', inputs: [floatSample([5, 7], 3)], attributes: { begin: [0, 6], size: [-1, 1] } },
    {
      name: 'rank 6',
      inputs: [floatSample([2, 3, 2, 3, 2, 3], 4)],
      attributes: { begin: [0, 1, 1, 0, 0, 1], size: [2, 1, -1, 2, 1, 2] },
    },
    { name: 'int32', inputs: [integerSample([9], 5, -50, 50)], attributes: { begin: [4], size: [3] } },
  ],
};
