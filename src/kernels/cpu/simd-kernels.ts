import simd from '../../../build/simd.wasm';
import { UnsupportedError } from '../errors.ts';
import type { SimdKernels } from '../op.ts';

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
    /** y = activation(x ∗ kernel + bias); scratch of productScratch(outputs) bytes and kernelWidth · channels floats. */
    conv2d(
      x: number,
      kernel: number,
      bias: number,
      y: number,
      batch: number,
      height: number,
      width: number,
      channels: number,
      kernelHeight: number,
      kernelWidth: number,
      outputs: number,
      outputHeight: number,
      outputWidth: number,
      strideY: number,
      strideX: number,
      paddingTop: number,
      paddingLeft: number,
      dilationY: number,
      dilationX: number,
      activation: number,
      scratch: number,
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
