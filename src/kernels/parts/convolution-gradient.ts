import { DTypeError, ShapeError } from '../op/errors.ts';
import { describe, type Shape, sameShape, type TensorSpec } from '../op/spec.ts';
import { type WindowAttributes, type WindowGeometry, windowGeometry } from './window.ts';

/** The convolution whose gradient an op computes. */
export interface Convolution {
  /** Shape of its input, [N, H, W, C]. */
  readonly image: Shape;
  /** Shape of its kernel, [kh, kw, C, O]. */
  readonly kernel: Shape;
  /** The gradient of its output, [N, H′, W′, O]. */
  readonly g: TensorSpec;
}

/**
 * Reads the sizes of a convolution from the inputs of one of its two gradients; `convolution` finds its parts among them,
 * once their number is right. Throws ShapeError or DTypeError.
 */
export function convolutionGradientGeometry(
  op: string,
  expected: string,
  inputs: readonly TensorSpec[],
  attributes: WindowAttributes,
  convolution: () => Convolution,
): WindowGeometry {
  const given = `${op}: ${inputs.map(describe).join(', ')} given, `;
  if (inputs.length !== 2) throw new ShapeError(`${given}expected ${expected}`);
  if (inputs.some((input) => input.dtype !== 'float32')) {
    throw new DTypeError(`${given}both of float32 expected; cast them first`);
  }
  const { image, kernel, g } = convolution();
  if (kernel.length !== 4) throw new ShapeError(`${given}expected ${expected}`);
  const [kernelHeight, kernelWidth, channels, outputs] = kernel;
  const geometry = windowGeometry(op, image, [kernelHeight, kernelWidth], attributes);
  const shape = [geometry.batch, geometry.outputHeight, geometry.outputWidth, outputs];
  if (geometry.channels !== channels || !sameShape(g.shape, shape)) {
    throw new ShapeError(
      `${given}expected g [${shape.join(', ')}] for x [${image.join(', ')}] and a kernel [${kernel.join(', ')}], ` +
        'both of as many channels; give the attributes of the convolution itself',
    );
  }
  return geometry;
}
