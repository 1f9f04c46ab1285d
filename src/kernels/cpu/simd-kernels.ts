import simd from '../../../build/simd.wasm';
import relaxedSimd from '../../../build/simd-relaxed.wasm';
import { UnsupportedError } from '../op/errors.ts';
import type { WindowArguments } from '../parts/window.ts';
import { importSharedMemory } from './import-shared-memory.ts';
import type { Kernel } from './threads/job-board.ts';

/** The operands that every product begins with; see product.ts of the kernels. */
type ProductOperands = [
  packed: number,
  first: number,
  depth: number,
  c: number,
  cLeading: number,
  columns: number,
  activation: number,
  accumulate: number,
  scratch: number,
  scratchBytes: number,
  rows: number,
];

/**
 * Operands of each kernel. Addresses and sizes are unsigned; a flag is 0 or 1; operations and activations are
 * numbered as in simd/operations.ts. Each kernel then takes the range of its units that it is to compute, and the number of the thread.
 */
declare module '../op/op.ts' {
  interface SimdKernels {
    /** Packs B for a product; units are panels of TILE_COLUMNS columns. */
    packRight: [
      packed: number,
      b: number,
      leading: number,
      transposed: number,
      bias: number,
      columns: number,
      depth: number,
    ];
    /** C = activation(A·B + bias), or C += A·B, for a packed B; units are TILE_ROWS rows. */
    multiplyMatrix: [...ProductOperands, a: number, aLeading: number, aTransposed: number];
    /** The same with windows of an image as A. */
    multiplyWindows: [
      ...ProductOperands,
      transposed: number,
      spacingY: number,
      spacingX: number,
      image: number,
      ...windows: WindowArguments,
    ];
    /** C = activation(A·B + bias) for a handful of rows; strides in floats; units are strips of `stripColumns`. */
    multiplyFewRows: [
      a: number,
      aRow: number,
      aStep: number,
      b: number,
      bLeading: number,
      bias: number,
      c: number,
      cLeading: number,
      rows: number,
      columns: number,
      depth: number,
      activation: number,
      stripColumns: number,
    ];
    /** [taps, channels, outputs] → [taps, outputs, channels]; units are taps. */
    exchangeChannels: [target: number, kernel: number, channels: number, outputs: number];
    /** Largest element (maximum 1) or mean (0) of each window, padding not counted; units are lines of y. */
    pool: [x: number, y: number, yStride: number, maximum: number, ...window: WindowArguments];
    /**
     * y = a ∘ b by rows of 4 columns or more; row strides in floats, steps 1 or 0 (the row's first number serves it).
     * Units are UNIT_ELEMENTS elements of a row.
     */
    binary: [
      operation: number,
      a: number,
      aRowStride: number,
      aStep: number,
      b: number,
      bRowStride: number,
      bStep: number,
      y: number,
      columns: number,
    ];
    /** y = operation(x) on 4 floats or more. Units are UNIT_ELEMENTS elements. */
    unary: [operation: number, x: number, y: number, count: number];
    /** dx = g times the slope of the operation, of its operand or result; otherwise as unary. */
    unaryGradient: [operation: number, operand: number, g: number, dx: number, count: number];
    /** LSTM cell after its product, for 4 units or more, tanh, and sigmoid or hard sigmoid gates; by rows. */
    lstmGates: [z: number, c: number, h: number, next: number, units: number, hardSigmoid: number];
    lstmGatesGradient: [
      z: number,
      c: number,
      next: number,
      dh: number,
      dNext: number,
      dz: number,
      dc: number,
      units: number,
      hardSigmoid: number,
    ];
    /** On 4 parameters or more, by UNIT_ELEMENTS; the rate has the bias corrections, a complement is 1 − beta; decay takes part of p. */
    adam: [
      p: number,
      g: number,
      m: number,
      v: number,
      nextP: number,
      nextM: number,
      nextV: number,
      count: number,
      rate: number,
      beta1: number,
      complement1: number,
      beta2: number,
      complement2: number,
      epsilon: number,
      decay: number,
    ];
    /** y[o, i] = scale · Σ x[o, r, i] over r; units are UNIT_ELEMENTS elements of a row of y; as many float64 of scratch a thread. */
    sum: [x: number, y: number, reduced: number, inner: number, scale: number, scratch: number];
    /** On 4 floats or more, by UNIT_ELEMENTS; keys and threshold as the op makes them. */
    dropout: [
      x: number,
      y: number,
      count: number,
      key0: number,
      key1: number,
      threshold: number,
      scale: number,
    ];
    /** Units are rows of x. */
    matmulChosen: [
      x: number,
      matrices: number,
      choice: number,
      y: number,
      count: number,
      k: number,
      m: number,
      transpose: number,
    ];
    /** Units are matrices of y. */
    outerChosen: [a: number, b: number, choice: number, y: number, rows: number, k: number, m: number];
    /** Units are rows. */
    additiveScores: [
      keys: number,
      queries: number,
      score: number,
      choice: number,
      y: number,
      grids: number,
      places: number,
      units: number,
    ];
    /** Units are grids, and one more for the rows that look at none. */
    additiveScoresGradient: [
      keys: number,
      queries: number,
      score: number,
      choice: number,
      g: number,
      dKeys: number,
      dQueries: number,
      dScore: number,
      grids: number,
      places: number,
      units: number,
      rows: number,
    ];
    /** By rows, as are those that follow. */
    softmax: [x: number, y: number, columns: number];
    topK: [x: number, values: number, indices: number, columns: number, k: number];
    logSoftmax: [x: number, y: number, columns: number];
    sparseCrossEntropy: [
      logits: number,
      labels: number,
      losses: number,
      classes: number,
      ignore: number,
      smoothing: number,
    ];
    sparseCrossEntropyGradient: [
      logits: number,
      labels: number,
      g: number,
      y: number,
      classes: number,
      ignore: number,
      smoothing: number,
    ];
  }
}

/** Whether the runtime fuses a multiplication and an addition: Node 21, Chrome 114. */
const fused = WebAssembly.validate(relaxedSimd);

const compiled = new Map<boolean, Promise<SimdModule>>();

export interface SimdModule {
  readonly module: WebAssembly.Module;
  /** What it is made of, for people. */
  readonly description: string;
}

/**
 * Compiles the kernels for a memory that is shared between threads or not, once in a process. Throws UnsupportedError
 * where the runtime lacks WebAssembly SIMD.
 */
export function compileSimdKernels(shared: boolean): Promise<SimdModule> {
  let found = compiled.get(shared);
  if (!found) {
    found = compile(fused ? relaxedSimd : simd, shared);
    compiled.set(shared, found);
  }
  return found;
}

async function compile(program: Uint8Array<ArrayBuffer>, shared: boolean): Promise<SimdModule> {
  try {
    const module = await WebAssembly.compile(shared ? importSharedMemory(program) : program);
    return { module, description: `SIMD WebAssembly kernels${fused ? ' with fused multiply-add' : ''}` };
  } catch (cause) {
    throw new UnsupportedError(
      'The CPU device needs WebAssembly with 128-bit SIMD, which this runtime does not have; ' +
        'use Node 20, Chrome 91, Firefox 89, Safari 16.4 or newer',
      { cause },
    );
  }
}

/** Kernels on a memory: functions, and their numbers by name. */
export interface BoundKernels {
  readonly functions: readonly Kernel[];
  readonly numbers: ReadonlyMap<string, number>;
}

/** Binds the kernels to a memory. */
export function bindSimdKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): BoundKernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return {
    functions: Object.values(exports) as Kernel[],
    numbers: new Map(Object.keys(exports).map((name, index) => [name, index])),
  };
}
