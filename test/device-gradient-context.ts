import type { Device, Operand } from '../src/kernels/device.ts';
import type { GradientContext, OpAttributes, OpName, Value } from '../src/kernels/op/op.ts';
import type { DType, Shape } from '../src/kernels/op/spec.ts';

class DeviceValue implements Value {
  readonly operand: Operand;
  readonly shape: Shape;
  readonly dtype: DType;

  constructor(operand: Operand) {
    this.operand = operand;
    this.shape = operand.spec.shape;
    this.dtype = operand.spec.dtype;
  }
}

/** Runs the gradient of one op straight on a device, and frees all that it made. */
export class DeviceGradientContext implements GradientContext<unknown> {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly gradients: readonly Value[];
  readonly attributes: unknown;
  readonly needs: readonly boolean[];
  readonly #device: Device;
  readonly #made: Operand[] = [];

  /** Computes the op forward first; `gradients` holds the elements of the gradient of each output. */
  constructor(
    device: Device,
    op: OpName,
    inputs: readonly Operand[],
    gradients: readonly Float32Array[],
    attributes: unknown,
    needs: readonly boolean[],
  ) {
    this.#device = device;
    this.attributes = attributes;
    this.needs = needs;
    this.inputs = inputs.map((operand) => new DeviceValue(operand));
    this.outputs = this.runAll(op, this.inputs, attributes as OpAttributes[OpName]);
    this.gradients = gradients.map((data, index) => {
      const spec = { shape: this.outputs[index].shape, dtype: 'float32' } as const;
      const operand = { storage: device.upload(data), spec };
      this.#made.push(operand);
      return new DeviceValue(operand);
    });
  }

  run<K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value {
    return this.runAll(op, inputs, attributes)[0];
  }

  runAll<K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value[] {
    const outputs = this.#device.run(
      op,
      inputs.map((value) => this.operandOf(value)),
      attributes,
    );
    this.#made.push(...outputs);
    return outputs.map((operand) => new DeviceValue(operand));
  }

  operandOf(value: Value): Operand {
    if (value instanceof DeviceValue) return value.operand;
    throw new Error('a gradient passed a value that the context did not give it');
  }

  dispose(): void {
    for (const { storage } of this.#made) this.#device.release(storage);
    this.#made.length = 0;
  }
}
