import { multiplyFewRows } from './few-rows';
import { setImage, setMatrix } from './left-operand';
import { multiply, productScratch } from './product';

export { productScratch };

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

/**
 * y[batch, outputHeight, outputWidth, outputs] = activation(x ∗ kernel + bias), as a product whose left matrix is
 * gathered from x [batch, height, width, channels] while it is packed. `scratch` holds productScratch(outputs) bytes and
 * then kernelWidth · channels floats.
 */
export function conv2d(
  x: usize,
  kernel: usize,
  bias: usize,
  y: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  outputs: i32,
  outputHeight: i32,
  outputWidth: i32,
  strideY: i32,
  strideX: i32,
  paddingTop: i32,
  paddingLeft: i32,
  dilationY: i32,
  dilationX: i32,
  activation: i32,
  scratch: usize,
): void {
  const rows = batch * outputHeight * outputWidth;
  const depth = kernelHeight * kernelWidth * channels;
  const zeros = scratch + <usize>productScratch(outputs);
  if (kernelHeight === 1 && kernelWidth === 1 && strideY === 1 && strideX === 1) {
    setMatrix(x, channels, false, rows);
  } else {
    memory.fill(zeros, 0, (<usize>kernelWidth * channels) << 2);
    setImage(
      x,
      height,
      width,
      channels,
      kernelWidth,
      outputHeight,
      outputWidth,
      batch,
      strideY,
      strideX,
      paddingTop,
      paddingLeft,
      dilationY,
      dilationX,
      zeros,
    );
  }
  multiply(kernel, outputs, false, bias, y, outputs, rows, outputs, depth, activation, false, scratch);
}
