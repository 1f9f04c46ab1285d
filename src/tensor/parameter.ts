import type { Device, Operand } from '../kernels/device.ts';
import { checkElements } from '../kernels/op/checks.ts';
import { DisposedError, DTypeError, ShapeError, UnsupportedError } from '../kernels/op/errors.ts';
import { type DeviceArray, describe, type Shape, sameShape } from '../kernels/op/spec.ts';
import { capturing, noteUse } from './parameter-uses.ts';
import { Tensor } from './tensor.ts';

/** A tensor that training changes. Scopes do not free it; `dispose()` does. */
export class Parameter extends Tensor {
  /** False for what is kept and saved but not differentiated: moving averages, feature statistics. */
  readonly trainable: boolean;

  /** Copies float32 `data` to the device. Throws ShapeError when the number of elements is not that of `shape`. */
  constructor(device: Device, data: Float32Array, shape: Shape, trainable = true) {
    checkElements('Parameter', data.length, shape);
    super(device, { storage: device.upload(data), spec: { shape: [...shape], dtype: 'float32' } }, false);
    this.trainable = trainable;
  }

  /** As a tensor's, with the advice that fits a parameter. */
  override operand(user: string): Operand {
    if (this.held === null) {
      throw new DisposedError(
        `${user}: the parameter ${describe(this)} was disposed; dispose of a model only after its last use`,
      );
    }
    const operand = super.operand(user);
    noteUse(this, operand);
    return operand;
  }

  /**
   * Takes the elements of `value`, which must have the same shape and dtype (ShapeError, DTypeError); `value` stays the
   * caller's. Plans that were captured with this parameter must be captured again.
   */
  assign(value: Tensor): void {
    if (capturing()) {
      throw new UnsupportedError(
        'Parameter.assign: a plan is being captured, and would not assign when it runs; assign outside of it',
      );
    }
    const given = `Parameter.assign: ${describe(value)} was given for a parameter ${describe(this)}`;
    if (!sameShape(value.shape, this.shape)) throw new ShapeError(`${given}; reshape it`);
    if (value.dtype !== this.dtype) throw new DTypeError(`${given}; cast it`);
    const { storage: before } = this.operand('Parameter.assign');
    const { storage } = value.operand('Parameter.assign');
    this.device.retain(storage);
    this.device.release(before);
    this.held = storage;
  }

  /** Copies new elements from the host: in place where nobody else has hold of the old ones, which saves memory. */
  load(data: DeviceArray): void {
    checkElements('Parameter.load', data.length, this.shape);
    const { storage } = this.operand('Parameter.load');
    const sameType = data instanceof Int32Array === (this.dtype === 'int32');
    if (sameType && !capturing() && this.device.overwrite(storage, data)) return;
    const value = Tensor.from(this.device, data, this.shape);
    try {
      this.assign(value);
    } finally {
      value.dispose();
    }
  }
}
