import type { AdapterFacts, OpAttributes, OpName } from './op/op.ts';
import type { DeviceArray, TensorSpec } from './op/spec.ts';
import type { Profiled } from './profiling/profile.ts';
import type { TuningProgress, TuningReport } from './profiling/tuning.ts';

/** Memory that a tensor's elements live in. Shared by views; counted by `retain` and `release`. */
export interface Storage {
  readonly bytes: number;
  /** Holders left; at zero the memory returns to the pool. */
  references: number;
}

export interface Operand {
  readonly storage: Storage;
  readonly spec: TensorSpec;
}

export interface MemoryReport {
  /** Bytes held by storages with holders. */
  readonly liveBytes: number;
  /** Bytes kept for reuse. */
  readonly pooledBytes: number;
  /** Largest liveBytes + pooledBytes so far. */
  readonly peakBytes: number;
  /** Number of storages with holders. */
  readonly storages: number;
}

/**
 * Work that was recorded once, to be done again and again on other inputs. Kernels, sizes and the memory of intermediate
 * results are settled; the plan holds that memory, and whatever else it reads, until it is disposed of.
 */
export interface DevicePlan {
  /** Bytes that intermediate results take, shared among those that are not needed at the same time. */
  readonly bytes: number;
  /** Kernels that a run launches or calls. */
  readonly kernels: number;
  readonly outputs: readonly TensorSpec[];
  /**
   * Does the work on inputs of the specs that were given to `capture`, in the order of all other work of the device; the
   * storage of every returned operand has one holder. Throws ShapeError or DTypeError for other inputs.
   */
  run(inputs: readonly Operand[]): Operand[];
  /** Resolves when a run need not wait for compilation; rejects with KernelError where a kernel does not compile. */
  ready(): Promise<void>;
  /** Idempotent; any further run throws DisposedError. */
  dispose(): void;
}

/** A machine that stores tensors and runs ops. Work is recorded in order; errors surface at the next `read`. */
export interface Device {
  readonly kind: 'webgpu' | 'cpu';
  /** What this device is and why it was chosen, in one line for people. */
  readonly description: string;
  /** Facts of the WebGPU adapter; null on the CPU device. */
  readonly adapter: AdapterFacts | null;
  /** Copies `data` to the device; the storage has one holder. */
  upload(data: DeviceArray): Storage;
  /**
   * Infers, allocates and computes (or records) one op; every returned operand's storage has one holder (a view
   * retains its input's). `variant` forces a WGSL variant, or on the CPU device 'plain' forces the TypeScript op.
   */
  run<K extends OpName>(
    op: K,
    inputs: readonly Operand[],
    attributes: OpAttributes[K],
    variant?: string,
  ): Operand[];
  /**
   * Puts `data` in the place of the elements and returns true, if the storage has one holder, room for them, and no
   * work before it that is still to read it; else does nothing and returns false.
   */
  overwrite(storage: Storage, data: DeviceArray): boolean;
  /** Memory of at least `bytes` with any contents, for `runInto` to write; the storage has one holder. */
  allocate(bytes: number): Storage;
  /**
   * As `run`, but the output lies in the channels (the last axis) from `offset` on of `into`, whose other sizes are its
   * own; the rest of `into` stays as it is. Throws UnsupportedError for an op without `places`, ShapeError where the
   * output does not fit.
   */
  runInto<K extends OpName>(
    op: K,
    inputs: readonly Operand[],
    attributes: OpAttributes[K],
    into: Operand,
    offset: number,
    variant?: string,
  ): void;
  /**
   * Makes a plan of what `body` asks this device to do, without doing it: `body` gets stand-ins for inputs of the specs,
   * each with one holder, and returns what the plan shall put out. Other tensors that it uses are kept as they are. What
   * it makes and does not return is gone afterwards. Uploading, reading and capturing inside of it throw
   * UnsupportedError.
   */
  capture(
    inputs: readonly TensorSpec[],
    body: (inputs: readonly Operand[]) => readonly Operand[],
  ): DevicePlan;
  /** Waits for everything recorded so far and returns a copy of the elements. */
  read(operand: Operand): Promise<DeviceArray>;
  retain(storage: Storage): void;
  release(storage: Storage): void;
  /** Resolves when all recorded work is done; rejects with the error of the first that failed. */
  synchronise(): Promise<void>;
  /**
   * Runs `body`, waits for all of its work, and tells where the time went, by op. What others have the device do
   * meanwhile is counted too. Rejects with what `body` throws, with the error of work that failed, and with
   * UnsupportedError where the adapter has no timestamp queries or a profile is being taken already.
   */
  profile<T>(body: () => T | Promise<T>): Promise<Profiled<T>>;
  /**
   * Runs `body` once, then times every variant of each call that it made, on operands of its own, and takes the fastest
   * from now on: on this device, and on those that are opened later on the same adapter, for which the choices are kept
   * (in a file of the user's cache folder, in a browser in its local storage). Nothing else ever tunes. A plan that was
   * captured before keeps its variants. Rejects with what `body` throws, and with UnsupportedError where there is nothing
   * to choose from (the CPU device), where the device is being tuned already, and where the choices cannot be kept.
   */
  tune(body: () => unknown, progress?: TuningProgress): Promise<TuningReport>;
  memory(): MemoryReport;
  /** Gives pooled memory back to the system where it can be. */
  trim(): void;
  /** Frees everything; any further use but `release`, which then does nothing, throws DisposedError. Idempotent. */
  destroy(): void;
}
