import simd from '../../../build/simd.wasm';
import { UnsupportedError } from '../errors.ts';
import type { SimdKernels } from '../op.ts';
import type { WindowArguments } from '../window.ts';

/** Addresses and sizes are unsigned; a flag is 0 or 1; activations are numbered as in activation.ts. */
declare module '../op.ts' {
  interface SimdKernels {
    /** Bytes of scratch that a product with `columns` columns needs. */
    productScratch(columns: number): number;
    /** C[m, n] = activation(op(A)·op(B) + bias), or C += op(A)·op(B); leading sizes in floats, bias 0 for none. */
    matmul(
      a: number,
      aLeading: number,
      aTransposed: number,
      b: number,
      bLeading: number,
      bTransposed: number,
      bias: number,
      c: number,
      cLeading: number,
      m: number,
      n: number,
      k: number,
      activation: number,
      accumulate: number,
      scratch: number,
    ): void;
    /** y = activation(x ∗ kernel + bias), its pixels `yStride` floats apart; scratch of productScratch(outputs) bytes and kernelWidth · channels floats. */
    conv2d(
      ...operands: [
        x: number,
        kernel: number,
        bias: number,
        y: number,
        yStride: number,
        ...window: WindowArguments,
        activation: number,
        scratch: number,
      ]
    ): void;
    /** Gradient of the kernel; scratch as for conv2d. */
    conv2dGradientKernel(
      ...operands: [x: number, g: number, dk: number, ...window: WindowArguments, scratch: number]
    ): void;
    /** Gradient of x; scratch of productScratch(channels) bytes, kernelWidth · outputs floats, and the kernel's size. */
    conv2dGradientInput(
      ...operands: [g: number, kernel: number, dx: number, ...window: WindowArguments, scratch: number]
    ): void;
    /** Largest element (maximum 1) or mean (0) of each window, padding not counted. */
    pool(
      ...operands: [x: number, y: number, yStride: number, maximum: number, ...window: WindowArguments]
    ): void;
    /** y = a ∘ b by rows of 4 columns or more; row strides in floats, steps 1 or 0 (the row's first number serves it). */
    binary(
      operation: number,
      a: number,
      aRowStride: number,
      aStep: number,
      b: number,
      bRowStride: number,
      bStep: number,
      y: number,
      rows: number,
      columns: number,
    ): void;
    /** y = operation(x) on 4 floats or more; as binary, numbered in the op's file. */
    unary(operation: number, x: number, y: number, count: number): void;
    /** dx = g times the slope of the activation (not the linear one) whose output is y, on 4 floats or more. */
    activationGradient(activation: number, y: number, g: number, dx: number, count: number): void;
    /** LSTM cell after its product, for 4 units or more, tanh, and sigmoid or hard sigmoid gates. */
    lstmGates(
      z: number,
      c: number,
      h: number,
      next: number,
      batch: number,
      units: number,
      hardSigmoid: number,
    ): void;
    lstmGatesGradient(
      z: number,
      c: number,
      next: number,
      dh: number,
      dNext: number,
      dz: number,
      dc: number,
      batch: number,
      units: number,
      hardSigmoid: number,
    ): void;
    /** On 4 parameters or more; the rate has the bias corrections, a complement is 1 − beta. */
    adam(
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
    ): void;
    /** y[o, i] = scale · Σ x[o, r, i] over r; scratch of `inner` float64. */
    sum(
      x: number,
      y: number,
      outer: number,
      reduced: number,
      inner: number,
      scale: number,
      scratch: number,
    ): void;
    /** On 4 floats or more; keys and threshold as the op makes them. */
    dropout(
      x: number,
      y: number,
      count: number,
      key0: number,
      key1: number,
      threshold: number,
      scale: number,
    ): void;
    softmax(x: number, y: number, rows: number, columns: number): void;
    logSoftmax(x: number, y: number, rows: number, columns: number): void;
    sparseCrossEntropy(
      ...operands: [
        logits: number,
        labels: number,
        losses: number,
        rows: number,
        classes: number,
        ignore: number,
      ]
    ): void;
    sparseCrossEntropyGradient(
      logits: number,
      labels: number,
      g: number,
      y: number,
      rows: number,
      classes: number,
      ignore: number,
    ): void;
  }
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Compiles the kernels, once in a process. Throws UnsupportedError where the runtime lacks WebAssembly SIMD. */
export function compileSimdKernels(): Promise<WebAssembly.Module> {
  compiled ??= compile();
  return compiled;
}

async function compile(): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(simd);
  } catch (cause) {
    throw new UnsupportedError(
      'The CPU device needs WebAssembly with 128-bit SIMD, which this runtime does not have; ' +
        'use Node 20, Chrome 91, Firefox 89, Safari 16.4 or newer',
      { cause },
    );
  }
}

/** Binds the kernels to a memory. The exports are as declared above: both are made from the same sources. */
export function instantiateSimdKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): SimdKernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as WebAssembly.Exports & SimdKernels;
}
