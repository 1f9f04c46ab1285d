import { ShapeError } from '../../kernels/op/errors.ts';
import { scope } from '../../tensor/scope.ts';
import { execute, scalar, type Tensor } from '../../tensor/tensor.ts';

export interface Clipped {
  readonly gradients: Tensor[];
  /** Norm of all gradients together before clipping, shape []. */
  readonly norm: Tensor;
}

/**
 * Scales all gradients by one factor so that the norm of them together is at most `limit` (Pascanu et al. 2013). The
 * factor stays on the device. The gradients given stay the caller's. Throws ShapeError without any.
 */
export function clipByGlobalNorm(gradients: readonly Tensor[], limit: number): Clipped {
  if (gradients.length === 0)
    throw new ShapeError('clipByGlobalNorm: no gradients were given; give one or more');
  return scope(() => {
    const { device } = gradients[0];
    const squares = gradients.map((gradient) => gradient.multiply(gradient).sum());
    const norm = squares.reduce((sum, square) => sum.add(square)).sqrt();
    const most = scalar(device, limit);
    const factor = most.divide(execute('maximum', [norm, most], {}));
    return { gradients: gradients.map((gradient) => gradient.multiply(factor)), norm };
  });
}
