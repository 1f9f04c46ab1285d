import type { Device, MemoryReport, Operand, Storage } from '../device.ts';
import { DisposedError, UnsupportedError } from '../errors.ts';
import type { CallSpecs, OpAttributes, OpDefinition, OpName, Placement } from '../op.ts';
import { opTable } from '../op-table.ts';
import { densePlacement, placementIn } from '../placement.ts';
import { originOf, ProfileCollector, type Profiled } from '../profile.ts';
import { type DeviceArray, elementCount, type TensorSpec } from '../spec.ts';
import { Arena, type Block } from './arena.ts';
import { type BoundKernels, bindSimdKernels, compileSimdKernels, type SimdModule } from './simd-kernels.ts';
import { defaultThreads, Team } from './threads/team.ts';

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

/** Nanoseconds of work below which a piece of it is not worth its own taking. */
const LEAST_PIECE = 10_000;

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

/** Workers outlive whoever forgets them: those of a device that was dropped without `destroy` are ended with it. */
const abandoned = new FinalizationRegistry<Team>((team) => team.dismiss());

interface Memory {
  readonly arena: Arena;
  /** The threads that share it, or null where this one is alone. */
  readonly team: Team | null;
}

interface Parts extends Memory {
  readonly module: WebAssembly.Module;
  readonly limitBytes: number;
  readonly description: string;
}

/** The parts of a device of `threads` threads, or of one where there can be no more. */
async function begin(threads: number, limitBytes: number): Promise<SimdModule & Memory & { how: string }> {
  let how = 'one thread';
  if (threads > 1) {
    const compiled = await compileSimdKernels(true);
    try {
      const arena = new Arena(limitBytes, true);
      const team = await Team.assemble(threads, compiled.module, arena.memory);
      return { ...compiled, arena, team, how: `${threads} threads` };
    } catch (error) {
      how += ` (${error instanceof Error ? error.message : String(error)})`;
    }
  }
  return { ...(await compileSimdKernels(false)), arena: new Arena(limitBytes, false), team: null, how };
}

/**
 * Computes on the processor: SIMD WebAssembly kernels where an op has them, in one or more threads, else its plain
 * TypeScript.
 * Every tensor lives in one WebAssembly memory, so that kernels work on it in place. Ops run at once; `run` throws
 * their errors itself.
 */
export class CpuDevice implements Device {
  readonly kind = 'cpu';
  readonly adapter = null;
  readonly description: string;

  readonly #module: WebAssembly.Module;
  readonly #limitBytes: number;
  readonly #team: Team | null;
  #arena: Arena;
  #kernels: BoundKernels;
  #storages = 0;
  #peakBytes = 0;
  #destroyed = false;
  #profiling: ProfileCollector | null = null;

  private constructor({ module, arena, team, limitBytes, description }: Parts) {
    this.description = description;
    this.#module = module;
    this.#limitBytes = limitBytes;
    this.#team = team;
    this.#arena = arena;
    this.#kernels = bindSimdKernels(module, arena.memory);
    if (team) abandoned.register(this, team, this);
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
    const { module, description, arena, team, how } = await begin(threads, limitBytes);
    const described = `CPU, ${description}, ${how}${reason ? `: ${reason}` : ''}`;
    return new CpuDevice({ module, arena, team, limitBytes, description: described });
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
    this.#arena.release(owned.block);
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
    this.#team?.dismiss();
    abandoned.unregister(this);
    this.#replaceArena();
  }

  #replaceArena(): void {
    this.#arena = new Arena(this.#limitBytes, this.#team !== null);
    this.#kernels = bindSimdKernels(this.#module, this.#arena.memory);
    if (!this.#destroyed) this.#team?.moveTo(this.#arena.memory);
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
          const block = this.#arena.allocate(bytes);
          working.push(block);
          this.#notePeak();
          return block.offset;
        },
        threads: this.#team?.size ?? 1,
        run: (kernel, operands, units, nanoseconds) => this.#runKernel(kernel, operands, units, nanoseconds),
      });
      if (done)
        this.#note(definition, { inputs: inputSpecs, outputs: outputSpecs, attributes }, 'simd', start);
      return done;
    } finally {
      for (const block of working) this.#arena.release(block);
    }
  }

  /** Counts a call that began at `start` and has ended, if a profile is being taken. */
  #note<A>(definition: OpDefinition<A>, call: CallSpecs<A>, variant: string, start: number): void {
    this.#profiling?.add(originOf(definition, call, variant), performance.now() - start);
  }

  #runKernel(name: string, operands: readonly number[], units: number, nanoseconds: number): void {
    const { functions, numbers } = this.#kernels;
    const number = numbers.get(name) as number;
    const least = Math.ceil(LEAST_PIECE / nanoseconds);
    if (units === 0) return;
    if (this.#team && units > least) this.#team.run(functions, number, operands, units, least);
    else functions[number](...operands, 0, units, 0);
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
