import type { Device, Operand, Storage } from '../kernels/device.ts';
import { checkElements } from '../kernels/op/checks.ts';
import { DisposedError, ShapeError } from '../kernels/op/errors.ts';
import type { OpAttributes, OpDefinition, OpName } from '../kernels/op/op.ts';
import {
  type DeviceArray,
  type DType,
  describe,
  elementCount,
  type Shape,
  type TensorSpec,
} from '../kernels/op/spec.ts';
import { opTable } from '../kernels/op-table.ts';
import { enterScope } from './scope.ts';
import { activeTape, type Recorded } from './tape.ts';

let nextId = 1;

/**
 * An immutable array on a device. Its memory is freed by `dispose()` or by the enclosing scope; ops borrow their
 * inputs. Reading is asynchronous everywhere: `await tensor.data()`.
 */
export class Tensor implements TensorSpec {
  readonly id = nextId++;
  readonly device: Device;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Null once disposed. Only `Parameter.assign` replaces it. */
  protected held: Storage | null;

  /** Takes over one reference to `operand.storage`. `scoped` false exempts it from scopes. */
  constructor(device: Device, operand: Operand, scoped = true) {
    this.device = device;
    this.shape = operand.spec.shape;
    this.dtype = operand.spec.dtype;
    this.held = operand.storage;
    if (scoped) enterScope(this);
  }

  /**
   * Copies `data` to the device: a typed array, or numbers that become float32. Throws ShapeError when the number of
   * elements is not that of `shape`.
   */
  static from(device: Device, data: DeviceArray | readonly number[], shape: Shape = [data.length]): Tensor {
    checkElements('Tensor.from', data.length, shape);
    const array = data instanceof Float32Array || data instanceof Int32Array ? data : new Float32Array(data);
    const dtype: DType = array instanceof Int32Array ? 'int32' : 'float32';
    return new Tensor(device, { storage: device.upload(array), spec: { shape: [...shape], dtype } });
  }

  get disposed(): boolean {
    return this.held === null;
  }

  get size(): number {
    return elementCount(this.shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The elements' place on the device; throws DisposedError naming `user` once disposed. */
  operand(user: string): Operand {
    if (this.held === null) {
      throw new DisposedError(
        `${user}: the tensor ${describe(this)} was disposed; keep it alive by returning it from its scope`,
      );
    }
    return { storage: this.held, spec: { shape: this.shape, dtype: this.dtype } };
  }

  /** A copy of the elements, row-major. Rejects with the error of any op before it that failed. */
  async data(): Promise<DeviceArray> {
    return this.device.read(this.operand('data'));
  }

  /** The single element of a tensor of one element; throws ShapeError for another size. */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new ShapeError(`item: the tensor ${describe(this)} has ${this.size} elements; use data()`);
    }
    return (await this.data())[0];
  }

  /** Frees the memory (shared memory when its last holder goes). Idempotent. */
  dispose(): void {
    if (this.held === null) return;
    this.device.release(this.held);
    this.held = null;
  }

  /** Element by element; shapes broadcast by NumPy's rule, here as in the three that follow. */
  add(other: Tensor): Tensor {
    return execute('add', [this, other], {});
  }

  subtract(other: Tensor): Tensor {
    return execute('subtract', [this, other], {});
  }

  multiply(other: Tensor): Tensor {
    return execute('multiply', [this, other], {});
  }

  divide(other: Tensor): Tensor {
    return execute('divide', [this, other], {});
  }

  /** Multiplies by a number. */
  scale(factor: number): Tensor {
    const operand = scalar(this.device, factor, this.dtype);
    try {
      return execute('multiply', [this, operand], {});
    } finally {
      operand.dispose();
    }
  }

  /** [M, K] · [K, N] → [M, N]; also batched, see the op. */
  matmul(other: Tensor): Tensor {
    return execute('matmul', [this, other], { transposeA: false, transposeB: false, activation: 'linear' });
  }

  /** Same elements, other shape; one dimension may be −1. Shares memory. */
  reshape(shape: Shape): Tensor {
    return execute('reshape', [this], { shape });
  }

  /** Permutes the axes; without an argument reverses them. */
  transpose(permutation: readonly number[] = this.shape.map((_, axis) => this.rank - 1 - axis)): Tensor {
    return execute('transpose', [this], { permutation });
  }

  /** Sums over `axes` (default all). */
  sum(axes: readonly number[] = this.shape.map((_, axis) => axis), keepDimensions = false): Tensor {
    return execute('sum', [this], { axes, keepDimensions });
  }

  /** Averages over `axes` (default all). */
  mean(axes: readonly number[] = this.shape.map((_, axis) => axis), keepDimensions = false): Tensor {
    return execute('mean', [this], { axes, keepDimensions });
  }

  /** A part: `size` elements from `begin` on each axis; a size of −1 takes the rest. */
  slice(begin: readonly number[], size: readonly number[]): Tensor {
    return execute('slice', [this], { begin, size });
  }

  relu(): Tensor {
    return execute('relu', [this], {});
  }

  sigmoid(): Tensor {
    return execute('sigmoid', [this], {});
  }

  tanh(): Tensor {
    return execute('tanh', [this], {});
  }

  sqrt(): Tensor {
    return execute('sqrt', [this], {});
  }

  /** Over the last axis. */
  softmax(): Tensor {
    return execute('softmax', [this], {});
  }

  toString(): string {
    return `Tensor ${describe(this)} on ${this.device.kind}${this.disposed ? ', disposed' : ''}`;
  }
}

/** A tensor of one value everywhere, made on the device, without an upload. */
export function filled(device: Device, shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  return executeOn(device, 'fill', [], { shape, dtype, value })[0];
}

/** A tensor of shape [] made on the device, without an upload. */
export function scalar(device: Device, value: number, dtype: DType = 'float32'): Tensor {
  return filled(device, [], value, dtype);
}

/** Runs an op on its inputs' device and returns its first output; the active tape remembers it. */
export function execute<K extends OpName>(
  op: K,
  inputs: readonly Tensor[],
  attributes: OpAttributes[K],
): Tensor {
  return executeAll(op, inputs, attributes)[0];
}

/** Runs an op on its inputs' device and returns all outputs. */
export function executeAll<K extends OpName>(
  op: K,
  inputs: readonly Tensor[],
  attributes: OpAttributes[K],
): Tensor[] {
  if (inputs.length === 0) throw new ShapeError(`${op}: no inputs were given; give at least one tensor`);
  return executeOn(inputs[0].device, op, inputs, attributes);
}

/** Runs an op on a given device; serves ops without inputs, such as `fill`. */
export function executeOn<K extends OpName>(
  device: Device,
  op: K,
  inputs: readonly Tensor[],
  attributes: OpAttributes[K],
): Tensor[] {
  const operands = inputs.map((input) => input.operand(op));
  const foreign = inputs.find((input) => input.device !== device);
  if (foreign) {
    throw new ShapeError(
      `${op}: the inputs lie on two devices, ${device.description} and ${foreign.device.description}; ` +
        'read one of them and upload it to the other',
    );
  }
  const definition: OpDefinition<OpAttributes[K]> = opTable[op];
  const results = device.run(op, operands, attributes);
  const outputs = results.map((operand) => new Tensor(device, operand));
  activeTape()?.record({
    op,
    gradient: definition.gradient,
    attributes,
    device,
    inputs: inputs.map((input) => recorded(input, op)),
    outputs: outputs.map((output) => recorded(output, op)),
  });
  return outputs;
}

/** A tensor as a tape remembers it. */
export function recorded(tensor: Tensor, user: string): Recorded {
  return { id: tensor.id, operand: tensor.operand(user) };
}

/** A new tensor over the elements of one that a tape remembers. */
export function revived(device: Device, { operand }: Pick<Recorded, 'operand'>): Tensor {
  device.retain(operand.storage);
  return new Tensor(device, operand);
}
