import type { DType, NumericArray, Shape, TensorSpec } from './spec.ts';

/**
 * The attributes of every op, by op name. Each op file adds its own row by declaration merging:
 *
 *     declare module '../op/op.ts' {
 *       interface OpAttributes { softmax: SoftmaxAttributes }
 *     }
 *
 * so that an op can name any other in its gradient, fully typed, without importing it. A table of ops adds all of its rows
 * by `interface OpAttributes extends …`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: rows are merged in by the op files
export interface OpAttributes {}

export type OpName = keyof OpAttributes;

/** Attributes of an op that has none. */
export type NoAttributes = Readonly<Record<string, never>>;

/**
 * An operation as data: what the CPU device, the WebGPU device, autograd, the tests and the documentation all read.
 * One file in `ops/` and one line in `op-table.ts` add one.
 */
export interface OpDefinition<A> {
  /** Key in the op table and in {@link OpAttributes}. */
  readonly name: OpName;
  /** One line for the op reference: what it computes, with shapes. */
  readonly summary: string;
  /**
   * Checks inputs and attributes and returns the specs of the outputs. Throws ShapeError, DTypeError or
   * UnsupportedError naming the op, what was given, what was expected and what to do.
   */
  infer(inputs: readonly TensorSpec[], attributes: A): TensorSpec[];
  /** True for an op that only renames the shape: the output shares the input's storage and no kernel runs. */
  readonly view?: boolean;
  /** True for an op of one output whose `wgsl` and `simd` write it where `call.placement` says. */
  readonly places?: true;
  /** Reference implementation on typed arrays, in the arrays' own precision; writes every output element. */
  cpu(call: CpuCall<A>): void;
  /**
   * The same through the SIMD WebAssembly kernels, on pointers into their memory. Returns false, having written
   * nothing, when this call's shapes do not suit it; then `cpu` runs.
   */
  simd?(call: SimdCall<A>): boolean;
  /** Names of the WGSL variants that can run this call, the preferred first. Without it there is one, 'default'. */
  variants?(call: GpuCall<A>): readonly string[];
  /** The kernel launches that compute this call. Pure: the same call gives the same launches. */
  wgsl(call: GpuCall<A>, variant: string): Launch[];
  /**
   * Floating-point operations of a call, for profiles: additions, multiplications, comparisons and elementary functions
   * count one each. What lies in the padding of an image counts too, as it is custom. Without it: none to speak of.
   */
  flops?(call: CallSpecs<A>): number;
  /** Bytes that a call must read and write at the least. Without it: every input and output once. */
  bytes?(call: CallSpecs<A>): number;
  /**
   * Gradients with respect to each input through other ops (null where `needs` is false or there is none, as for
   * indices), or 'none' for an op that is not differentiable or whose second derivative is not provided.
   */
  readonly gradient: 'none' | ((context: GradientContext<A>) => (Value | null)[]);
  /** Inputs for the tests: usual, odd and edge sizes, small enough for finite differences. */
  samples(): Sample<A>[];
}

/**
 * Where the rows of an output (along its last axis) lie in an array that may be wider, in elements: row r, column c is
 * at offset + r · stride + c. An output of C columns that has its memory to itself: { stride: C, offset: 0 }.
 */
export interface Placement {
  readonly stride: number;
  readonly offset: number;
}

export interface CpuCall<A> {
  readonly inputs: readonly NumericArray[];
  readonly inputSpecs: readonly TensorSpec[];
  /** Not cleared: may hold anything. */
  readonly outputs: readonly NumericArray[];
  readonly outputSpecs: readonly TensorSpec[];
  readonly attributes: A;
}

/** A call on the SIMD kernels: tensors are byte offsets into the WebAssembly memory, 16-byte aligned. */
export interface SimdCall<A> {
  readonly inputs: readonly number[];
  readonly inputSpecs: readonly TensorSpec[];
  readonly outputs: readonly number[];
  readonly outputSpecs: readonly TensorSpec[];
  readonly attributes: A;
  /** Of the first output, from its byte offset on. Dense for ops that do not say `places`. */
  readonly placement: Placement;
  /** How many threads `run` shares its work among: a kernel that needs working memory needs it for each. */
  readonly threads: number;
  /** Byte offset of at least `bytes` of working memory, valid until the call returns. */
  scratch(bytes: number): number;
  /**
   * Runs a kernel over `units` units of its work and returns when it is done. `nanoseconds` is about how long one unit
   * takes: work that is not worth a second thread stays on this one.
   */
  run<K extends keyof SimdKernels>(
    kernel: K,
    operands: SimdKernels[K],
    units: number,
    nanoseconds: number,
  ): void;
}

/** The kernels of the WebAssembly module by name, each with its operands. */
// biome-ignore lint/suspicious/noEmptyInterface: rows are merged in by simd-kernels.ts
export interface SimdKernels {}

/** Facts about the adapter from which variants are chosen. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** A software rasteriser (SwiftShader, lavapipe): no use for workgroup memory or barriers. */
  readonly cpuLike: boolean;
  readonly features: ReadonlySet<string>;
  /** Invocations of a subgroup where every subgroup has as many, else 0. */
  readonly subgroupSize: number;
  readonly maxWorkgroupsPerDimension: number;
  readonly maxInvocationsPerWorkgroup: number;
  readonly maxWorkgroupStorageBytes: number;
  readonly maxBufferBytes: number;
}

/** A call without its elements. */
export interface CallSpecs<A> {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly attributes: A;
}

export interface GpuCall<A> extends CallSpecs<A> {
  readonly adapter: AdapterFacts;
  /** Of the first output in the buffer bound for it. Dense for ops that do not say `places`. */
  readonly placement: Placement;
}

/** A WGSL file: its name under `shaders/` (for messages) and its text. */
export interface Shader {
  readonly name: string;
  readonly source: string;
}

/**
 * One dispatch. The shader's storage bindings are `@group(0) @binding(0…)` in the order of `bindings`, its uniforms
 * `@group(1) @binding(0) var<uniform> params: Params`, its entry point `main`.
 */
export interface Launch {
  readonly shader: Shader;
  /**
   * Files whose top-level declarations replace those of the same name in `shader`, or are added to it, in order. The
   * fields of `struct Params` are joined.
   */
  readonly hooks?: readonly Shader[];
  /** New values of `const NAME … = value;` and `alias NAME = value;` declarations, by name. */
  readonly constants?: Readonly<Record<string, number | string>>;
  /** Fields of `struct Params` by name: u32, i32 or f32, or vec2, vec4 (and arrays of vec4) as a flat list. */
  readonly uniforms?: Readonly<Record<string, number | readonly number[]>>;
  /** What is bound, by binding index. Without it: every input, then every output. */
  readonly bindings?: readonly BindingReference[];
  /** Workgroups in x, y and z. */
  readonly grid: readonly [number, number, number];
}

/** An operand of the call by position, or a working buffer of the op's own (its size in bytes). */
export type BindingReference =
  | { readonly input: number }
  | { readonly output: number }
  | { readonly scratch: number; readonly bytes: number };

/** A tensor as a gradient sees it. */
export type Value = TensorSpec;

export interface GradientContext<A> {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Gradient of the loss with respect to each output; zeros where an output was not used. */
  readonly gradients: readonly Value[];
  readonly attributes: A;
  /** Which inputs need a gradient. */
  readonly needs: readonly boolean[];
  /** Runs an op and returns its first output. */
  run<K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value;
  /** Runs an op and returns all of its outputs. */
  runAll<K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value[];
}

export interface SampleInput {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: readonly number[];
}

export interface Sample<A> {
  readonly name: string;
  readonly inputs: readonly SampleInput[];
  readonly attributes: A;
  /** False where finite differences do not exist (a tie of a maximum, the kink of relu). Default true. */
  readonly differentiable?: boolean;
  /** Largest allowed difference to the oracle, relative to the largest magnitude of the output. Default 1e-5. */
  readonly tolerance?: number;
}
