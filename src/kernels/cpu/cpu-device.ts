import type { Device, MemoryReport, Operand, Storage } from '../device.ts';
import { DisposedError, UnsupportedError } from '../errors.ts';
import type { CallSpecs, OpAttributes, OpDefinition, OpName, Placement } from '../op.ts';
import { opTable } from '../op-table.ts';
import { densePlacement, placementIn } from '../placement.ts';
import { originOf, ProfileCollector, type Profiled } from '../profile.ts';
import { type DeviceArray, elementCount, type TensorSpec } from '../spec.ts';
import type { Block } from './arena.ts';
import { Machine } from './machine.ts';
import { defaultThreads } from './threads/team.ts';

export interface CpuDeviceOptions {
  /** Most bytes that tensors may take together; 4 GiB, which is also the most there can be, when not given. */
  readonly memoryLimitBytes?: number;
  /**
   * How many threads compute, from 1; one a processor and at most eight when not given. Where the platform does not
   * allow threads there is one, and the device's description says why.
   */
  readonly threads?: number;
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
 * Computes on the processor: SIMD WebAssembly kernels where an op has them, in one or more threads, else its plain
 * TypeScript. Every tensor lives in one WebAssembly memory, so that kernels work on it in place. Ops run at once; `run` throws
 * their errors itself.
 */
export class CpuDevice implements Device {
  readonly kind = 'cpu';
  readonly adapter = null;
  readonly description: string;

  readonly #machine: Machine;
  #storages = 0;
  #peakBytes = 0;
  #destroyed = false;
  #profiling: ProfileCollector | null = null;

  private constructor(machine: Machine, reason: string | undefined) {
    this.description = `CPU, ${machine.description}${reason ? `: ${reason}` : ''}`;
    this.#machine = machine;
  }

  /**
   * Throws UnsupportedError where the runtime has no WebAssembly SIMD, and for `threads` that are no whole number
   * from 1.
   */
  static async create(options: CpuDeviceOptions = {}): Promise<CpuDevice> {
    const { memoryLimitBytes: limitBytes = FOUR_GIB, threads = defaultThreads(), reason } = options;
    if (!(Number.isInteger(threads) && threads >= 1)) {
      throw new UnsupportedError(`CpuDevice: ${threads} threads were asked for; give a whole number from 1`);
    }
    return new CpuDevice(await Machine.start(threads, limitBytes), reason);
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
        const start = performance.now();
        definition.cpu({
          inputs: blocks.map((block, index) => this.#view(block, inputSpecs[index])),
          inputSpecs,
          outputs: targets.map((block, index) => this.#view(block, outputSpecs[index])),
          outputSpecs,
          attributes,
        });
        this.#note(definition, { inputs: inputSpecs, outputs: outputSpecs, attributes }, 'plain', start);
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
    this.#machine.arena.release(owned.block);
  }

  async synchronise(): Promise<void> {
    this.#requireAlive('synchronise');
  }

  async profile<T>(body: () => T | Promise<T>): Promise<Profiled<T>> {
    this.#requireAlive('profile');
    if (this.#profiling) throw new UnsupportedError('profile: a profile is being taken; let it end first');
    const collector = new ProfileCollector();
    this.#profiling = collector;
    const start = performance.now();
    try {
      const result = await body();
      return { result, profile: collector.profile('thread', performance.now() - start) };
    } finally {
      this.#profiling = null;
    }
  }

  memory(): MemoryReport {
    return {
      liveBytes: this.#machine.arena.liveBytes,
      pooledBytes: this.#machine.arena.freeBytes,
      peakBytes: this.#peakBytes,
      storages: this.#storages,
    };
  }

  /** WebAssembly memory cannot shrink: it is given back, by replacing it, only while no tensor lives in it. */
  trim(): void {
    this.#requireAlive('trim');
    if (this.#storages === 0 && this.#machine.arena.freeBytes > 0) this.#machine.renew();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#storages = 0;
    this.#machine.stop();
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
    const start = performance.now();
    try {
      const done = definition.simd({
        inputs: inputs.map((block) => block.offset),
        inputSpecs,
        outputs: outputs.map((block) => block.offset),
        outputSpecs,
        attributes,
        placement,
        scratch: (bytes) => {
          const block = this.#machine.arena.allocate(bytes);
          working.push(block);
          this.#notePeak();
          return block.offset;
        },
        threads: this.#machine.threads,
        run: (kernel, operands, units, nanoseconds) =>
          this.#machine.run(kernel, operands, units, nanoseconds),
      });
      if (done)
        this.#note(definition, { inputs: inputSpecs, outputs: outputSpecs, attributes }, 'simd', start);
      return done;
    } finally {
      for (const block of working) this.#machine.arena.release(block);
    }
  }

  /** Counts a call that began at `start` and has ended, if a profile is being taken. */
  #note<A>(definition: OpDefinition<A>, call: CallSpecs<A>, variant: string, start: number): void {
    this.#profiling?.add(originOf(definition, call, variant), performance.now() - start);
  }

  #allocate(bytes: number): CpuStorage {
    const storage = new CpuStorage(this, this.#machine.arena.allocate(bytes));
    this.#storages++;
    this.#notePeak();
    return storage;
  }

  #notePeak(): void {
    this.#peakBytes = Math.max(
      this.#peakBytes,
      this.#machine.arena.liveBytes + this.#machine.arena.freeBytes,
    );
  }

  /** Made for each use: growing the memory detaches every earlier view. */
  #view(block: Block, spec: TensorSpec): DeviceArray {
    const { buffer } = this.#machine.arena.memory;
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
