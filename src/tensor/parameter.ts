import type { Device } from '../kernels/device.ts';
import { DisposedError, ShapeError } from '../kernels/errors.ts';
import { type DeviceArray, describe, type Shape, sameShape } from '../kernels/spec.ts';
import { Tensor } from './tensor.ts';

/** A tensor that training changes. Scopes do not free it; `dispose()` does. */
export class Parameter extends Tensor {
  /** False for what is kept and saved but not differentiated: moving averages, feature statistics. */
  readonly trainable: boolean;

  /** Copies float32 `data` of the given shape to the device. */
  constructor(device: Device, data: Float32Array, shape: Shape, trainable = true) {
    if (data.length !== shape.reduce((product, dimension) => product * dimension, 1)) {
      throw new ShapeError(
        `Parameter: ${data.length} elements were given for the shape [${shape.join(', ')}]`,
      );
    }
    super(device, { storage: device.upload(data), spec: { shape: [...shape], dtype: 'float32' } }, false);
    this.trainable = trainable;
  }

  /** Takes the elements of `value`, which must have the same shape and dtype; `value` stays the caller's. */
  assign(value: Tensor): void {
    if (!sameShape(value.shape, this.shape) || value.dtype !== this.dtype) {
      throw new ShapeError(
        `Parameter.assign: ${describe(value)} was given for a parameter ${describe(this)}`,
      );
    }
    if (this.held === null)
      throw new DisposedError(`Parameter.assign: the parameter ${describe(this)} was disposed`);
    const { storage } = value.operand('Parameter.assign');
    this.device.retain(storage);
    this.device.release(this.held);
    this.held = storage;
  }

  /** Copies new elements from the host. */
  load(data: DeviceArray): void {
    const value = Tensor.from(this.device, data, this.shape);
    this.assign(value);
    value.dispose();
  }
}
