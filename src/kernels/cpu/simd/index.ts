import { multiplyFewRows } from './few-rows';
import { setMatrix } from './left-operand';
import { multiply } from './product';

export { adam } from './adam';
export { binary } from './binary';
export { conv2d, conv2dGradientInput, conv2dGradientKernel } from './convolution';
export { dropout } from './dropout';
export { lstmGates, lstmGatesGradient } from './lstm';
export { pool } from './pooling';
export { productScratch } from './product';
export { logSoftmax, softmax, sparseCrossEntropy, sparseCrossEntropyGradient } from './softmax';
export { sum } from './sum';
export { activationGradient, unary } from './unary';

/** Up to this many rows, reading B in place beats packing it: 23 GFLOPS for 5 rows against 13; at 8 they are even. */
const FEW_ROWS: i32 = 7;

/** C[m, n] = activation(op(A)·op(B) + bias), or C += op(A)·op(B); rows are `…Leading` floats apart; bias 0 is none. */
export function matmul(
  a: usize,
  aLeading: i32,
  aTransposed: boolean,
  b: usize,
  bLeading: i32,
  bTransposed: boolean,
  bias: usize,
  c: usize,
  cLeading: i32,
  m: i32,
  n: i32,
  k: i32,
  activation: i32,
  accumulate: boolean,
  scratch: usize,
): void {
  if (m <= FEW_ROWS && !bTransposed && !accumulate) {
    const leading = (<usize>aLeading) << 2;
    const row: usize = aTransposed ? 4 : leading;
    const step: usize = aTransposed ? leading : 4;
    multiplyFewRows(a, row, step, b, bLeading, bias, c, cLeading, m, n, k, activation);
    return;
  }
  setMatrix(a, aLeading, aTransposed, m);
  multiply(b, bLeading, bTransposed, bias, c, cLeading, m, n, k, activation, accumulate, scratch);
}
