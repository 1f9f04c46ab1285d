import { checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample } from '../op/samples.ts';
import { broadcastShapes, describe, type Shape, sameShape, type TensorSpec } from '../op/spec.ts';
import { sumToShape } from '../parts/gradients.ts';
import { broadcastStrides } from '../parts/layout.ts';
import { copyStrided, type Reading, stridedCopyLaunch } from '../parts/strided-copy.ts';

export interface BroadcastToAttributes {
  readonly shape: Shape;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    broadcastTo: BroadcastToAttributes;
  }
}

function readingOf(x: TensorSpec, shape: Shape): Reading {
  return { shape, strides: broadcastStrides(x.shape, shape), offset: 0 };
}

/** A tensor repeated to a larger shape by NumPy's rule. */
export const broadcastTo: OpDefinition<BroadcastToAttributes> = {
  name: 'broadcastTo',
  summary: 'x [...] -> [shape]: x repeated along its axes of size 1 and along new leading axes',
  infer(inputs, { shape }) {
    checkInputCount('broadcastTo', inputs, 1);
    const [x] = inputs;
    if (!sameShape(broadcastShapes('broadcastTo', x.shape, shape), shape)) {
      throw new ShapeError(
        `broadcastTo: ${describe(x)} does not repeat to [${shape.join(', ')}]; ` +
          'dimensions counted from the last must be equal, or 1 in the input',
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  cpu({ inputs, inputSpecs, outputs, attributes }) {
    copyStrided(inputs[0], outputs[0], readingOf(inputSpecs[0], attributes.shape));
  },
  wgsl({ inputs, attributes, adapter }) {
    return [stridedCopyLaunch(readingOf(inputs[0], attributes.shape), adapter)];
  },
  gradient: (context) => [sumToShape(context, context.gradients[0], context.inputs[0].shape)],
  samples: () => [
    { name: 'rows', inputs: [floatSample([5], 1)], attributes: { shape: [3, 5] } },
    { name: 'columns', inputs: [floatSample([4, 1], 2)], attributes: { shape: [4, 37] } },
    { name: 'scalar', inputs: [floatSample([], 3)], attributes: { shape: [2, 3] } },
    { name: 'middle', inputs: [floatSample([2, 1, 3], 4)], attributes: { shape: [4, 2, 5, 3] } },
    { name: 'int32', inputs: [integerSample([2, 1], 5, -50, 50)], attributes: { shape: [2, 3] } },
  ],
};
