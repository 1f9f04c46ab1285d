import type { Device, MemoryReport, Operand, Storage } from '../device.ts';
import { DisposedError, UnsupportedError } from '../errors.ts';
import type { OpAttributes, OpDefinition, OpName, Placement, SimdKernels } from '../op.ts';
import { opTable } from '../op-table.ts';
import { densePlacement, placementIn } from '../placement.ts';
import { type DeviceArray, elementCount, type TensorSpec } from '../spec.ts';
import { Arena, type Block } from './arena.ts';
import { compileSimdKernels, instantiateSimdKernels } from './simd-kernels.ts';

export interface CpuDeviceOptions {
  /** Most bytes that tensors may take together; 4 GiB, which is also the most there can be, when not given. */
  readonly memoryLimitBytes?: number;
  /** Why this device was chosen, for its description. */
  readonly reason?: string;
}

const FOUR_GIB = 2 ** 32;

class CpuStorage implements Storage {
  readonly owner: CpuDevice;
  readonly block: Block;
  references = 1;

  constructor(owner: CpuDevice, block: Block) {
    this.owner = owner;
    this.block = block;
  }

  get bytes(): number {
    return this.block.bytes;
  }
}

/**
 * Computes on the processor, in one thread: SIMD WebAssembly kernels where an op has them, else its plain TypeScript.
 * Every tensor lives in one WebAssembly memory, so that kernels work on it in place. Ops run at once; `run` throws
 * their errors itself.
 */
export class CpuDevice implements Device {
  readonly kind = 'cpu';
  readonly adapter = null;
  readonly description: string;

  readonly #module: WebAssembly.Module;
  readonly #limitBytes: number;
  #arena: Arena;
  #kernels: SimdKernels;
  #storages = 0;
  #peakBytes = 0;
  #destroyed = false;

  private constructor(
    module: WebAssembly.Module,
    { memoryLimitBytes: limitBytes = FOUR_GIB, reason }: CpuDeviceOptions,
  ) {
    this.description = `CPU, SIMD WebAssembly kernels, one thread${reason ? `: ${reason}` : ''}`;
    this.#module = module;
    this.#limitBytes = limitBytes;
    this.#arena = new Arena(limitBytes);
    this.#kernels = instantiateSimdKernels(module, this.#arena.memory);
  }

  /** Throws UnsupportedError where the runtime has no WebAssembly SIMD. */
  static async create(options: CpuDeviceOptions = {}): Promise<CpuDevice> {
    return new CpuDevice(await compileSimdKernels(), options);
  }

  upload(data: DeviceArray): Storage {
    this.#requireAlive('upload');
    const storage = this.#allocate(data.byteLength);
    const spec: TensorSpec = {
      shape: [data.length],
      dtype: data instanceof Int32Array ? 'int32' : 'float32',
    };
    this.#view(storage.block, spec).set(data);
    return storage;
  }

  allocate(bytes: number): Storage {
    this.#requireAlive('allocate');
    return this.#allocate(bytes);
  }

  run<K extends OpName>(
    op: K,
    inputs: readonly Operand[],
    attributes: OpAttributes[K],
    variant?: string,
  ): Operand[] {
    this.#requireCallable(op, variant);
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const inputSpecs = inputs.map((operand) => operand.spec);
    const blocks = inputs.map((operand) => this.#own(op, operand.storage).block);
    const outputSpecs = definition.infer(inputSpecs, attributes);
    if (definition.view) {
      this.retain(inputs[0].storage);
      return [{ storage: inputs[0].storage, spec: outputSpecs[0] }];
    }
    const outputs: CpuStorage[] = [];
    try {
      for (const spec of outputSpecs) outputs.push(this.#allocate(elementCount(spec.shape) * 4));
      const targets = outputs.map((storage) => storage.block);
      const placement = densePlacement(outputSpecs[0]);
      if (
        variant === 'plain' ||
        !this.#runSimd(definition, blocks, inputSpecs, targets, outputSpecs, attributes, placement)
      ) {
        definition.cpu({
          inputs: blocks.map((block, index) => this.#view(block, inputSpecs[index])),
          inputSpecs,
          outputs: targets.map((block, index) => this.#view(block, outputSpecs[index])),
          outputSpecs,
          attributes,
        });
      }
    } catch (error) {
      for (const storage of outputs) this.release(storage);
      throw error;
    }
    return outputs.map((storage, index) => ({ storage, spec: outputSpecs[index] }));
  }

  runInto<K extends OpName>(
    op: K,
    inputs: readonly Operand[],
    attributes: OpAttributes[K],
    into: Operand,
    offset: number,
    variant?: string,
  ): void {
    this.#requireCallable(op, variant);
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const inputSpecs = inputs.map((operand) => operand.spec);
    const blocks = inputs.map((operand) => this.#own(op, operand.storage).block);
    const target = this.#own(op, into.storage).block;
    const outputSpecs = definition.infer(inputSpecs, attributes);
    const placement = placementIn(definition, outputSpecs, into.spec, offset);
    if (
      variant !== 'plain' &&
      this.#runSimd(definition, blocks, inputSpecs, [target], outputSpecs, attributes, placement)
    ) {
      return;
    }
    const [dense] = this.run(op, inputs, attributes, 'plain');
    const rows = this.#view(this.#own(op, dense.storage).block, dense.spec);
    const columns = dense.spec.shape.at(-1) ?? 1;
    const wide = this.#view(target, into.spec);
    for (let row = 0; row * columns < rows.length; row++) {
      const from = row * columns;
      wide.set(rows.subarray(from, from + columns), placement.offset + row * placement.stride);
    }
    this.release(dense.storage);
  }

  async read(operand: Operand): Promise<DeviceArray> {
    this.#requireAlive('read');
    return this.#view(this.#own('read', operand.storage).block, operand.spec).slice();
  }

  retain(storage: Storage): void {
    this.#requireAlive('retain');
    this.#own('retain', storage).references++;
  }

  release(storage: Storage): void {
    // destroy() has freed everything; what is disposed after it, in a `finally` perhaps, must not hide an error.
    if (this.#destroyed) return;
    const owned = this.#own('release', storage);
    owned.references--;
    if (owned.references > 0) return;
    this.#storages--;
    this.#arena.release(owned.block);
  }

  async synchronise(): Promise<void> {
    this.#requireAlive('synchronise');
  }

  memory(): MemoryReport {
    return {
      liveBytes: this.#arena.liveBytes,
      pooledBytes: this.#arena.freeBytes,
      peakBytes: this.#peakBytes,
      storages: this.#storages,
    };
  }

  /** WebAssembly memory cannot shrink: it is given back, by replacing it, only while no tensor lives in it. */
  trim(): void {
    this.#requireAlive('trim');
    if (this.#storages === 0 && this.#arena.freeBytes > 0) this.#replaceArena();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#storages = 0;
    this.#replaceArena();
  }

  #replaceArena(): void {
    this.#arena = new Arena(this.#limitBytes);
    this.#kernels = instantiateSimdKernels(this.#module, this.#arena.memory);
  }

  #runSimd<A>(
    definition: OpDefinition<A>,
    inputs: readonly Block[],
    inputSpecs: readonly TensorSpec[],
    outputs: readonly Block[],
    outputSpecs: readonly TensorSpec[],
    attributes: A,
    placement: Placement,
  ): boolean {
    if (!definition.simd) return false;
    const working: Block[] = [];
    try {
      return definition.simd({
        kernels: this.#kernels,
        inputs: inputs.map((block) => block.offset),
        inputSpecs,
        outputs: outputs.map((block) => block.offset),
        outputSpecs,
        attributes,
        placement,
        scratch: (bytes) => {
          const block = this.#arena.allocate(bytes);
          working.push(block);
          this.#notePeak();
          return block.offset;
        },
      });
    } finally {
      for (const block of working) this.#arena.release(block);
    }
  }

  #allocate(bytes: number): CpuStorage {
    const storage = new CpuStorage(this, this.#arena.allocate(bytes));
    this.#storages++;
    this.#notePeak();
    return storage;
  }

  #notePeak(): void {
    this.#peakBytes = Math.max(this.#peakBytes, this.#arena.liveBytes + this.#arena.freeBytes);
  }

  /** Made for each use: growing the memory detaches every earlier view. */
  #view(block: Block, spec: TensorSpec): DeviceArray {
    const { buffer } = this.#arena.memory;
    const length = elementCount(spec.shape);
    return spec.dtype === 'int32'
      ? new Int32Array(buffer, block.offset, length)
      : new Float32Array(buffer, block.offset, length);
  }

  #own(what: string, storage: Storage): CpuStorage {
    if (!(storage instanceof CpuStorage) || storage.owner !== this) {
      throw new UnsupportedError(
        `${what}: the tensor lives on another device; read it there and upload it to this one`,
      );
    }
    if (storage.references <= 0) {
      throw new DisposedError(`${what}: the tensor's memory was released already; retain it for longer use`);
    }
    return storage;
  }

  #requireCallable(op: string, variant: string | undefined): void {
    this.#requireAlive(op);
    if (variant !== undefined && variant !== 'plain') {
      throw new UnsupportedError(
        `${op}: variant '${variant}' asked of the CPU device, which has 'plain' alone`,
      );
    }
  }

  #requireAlive(what: string): void {
    if (this.#destroyed) {
      throw new DisposedError(`${what}: the CPU device was destroyed; create another`);
    }
  }
}
