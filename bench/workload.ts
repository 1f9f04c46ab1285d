/**
 * What the benchmark measures, as data: every engine gets the same numbers and is asked for the same outputs. Nothing
 * here or in `cases/` needs Node, so that a page in a browser measures the same cases.
 */

/** A float32 or int32 array with its shape. Images are NHWC, convolution kernels [height, width, in, out]. */
export interface HostArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Work of one kind, and its operands; each kind has one file in `cases/` and one function in each engine. */
// biome-ignore lint/suspicious/noEmptyInterface: rows are merged in by the files in cases/
export interface WorkloadKinds {}

export type WorkloadKind = keyof WorkloadKinds;

export type Workload = { [K in WorkloadKind]: { readonly kind: K } & WorkloadKinds[K] }[WorkloadKind];

/** One row of the benchmark. */
export interface Case {
  /** Unique, and what `--filter` looks at: `conv2d/35x35x288-3x3x384-s2`, `inception-v3/batch-1`. */
  readonly name: string;
  /** Heading in the tables: `matmul`, `convolution`, `InceptionV3` … */
  readonly group: string;
  /** Floating-point operations of one run (a multiply and an add are two), where that says something. */
  readonly flops?: number;
  /** Bytes that one run must read and write at the least. */
  readonly bytes?: number;
  /** Whether `--quick` runs it. */
  readonly quick: boolean;
  /** Largest difference allowed between two engines' outputs, relative to the largest magnitude. */
  readonly tolerance: number;
  /** Draws the operands, the same at every call. Called just before the case is run. */
  workload(): Workload | Promise<Workload>;
}

/** A workload on one engine: operands uploaded, programs not yet compiled. */
export interface Prepared {
  /** Runs once, or records a run. Must not wait. Disposes of the outputs of the run before it. */
  run(): void | Promise<void>;
  /** Waits until all runs so far are done, with a read-back of the least size that forces it. */
  finish(): Promise<void>;
  /**
   * Resolves when none of the engine's threads is busy any more. No time counts it: other engines are to find the
   * processor free. Absent where nothing goes on after `finish`.
   */
  settle?(): Promise<void>;
  /** The outputs of the last run. */
  outputs(): Promise<readonly HostArray[]>;
  /** Milliseconds of GPU time of one run by timestamp queries, or null where there are none. */
  gpuTime?(): Promise<number | null>;
  dispose(): void;
}

/** An engine on one backend of one machine, under test. */
export interface Engine {
  /** `ekphrasis/webgpu`, `ekphrasis/cpu-2` (threads), `tfjs/webgpu`, `tfjs/wasm-2`, `jax-js/webgpu`, `onnxruntime/wasm-2` … */
  readonly name: string;
  /** Package versions, adapter and backend settings, in one line for people. */
  readonly description: string;
  /** Null where the engine has no such operation; rejects where it should but fails. */
  prepare(workload: Workload): Promise<Prepared | null>;
  dispose(): Promise<void>;
}
