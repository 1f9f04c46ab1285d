import { TILE_ROWS } from './blocks';
import { setImage, setWindows, spreadImage } from './image-operand';
import { setGathered, setMatrix } from './left-operand';
import { interleaveRows } from './pack';
import { multiply } from './product';

/**
 * Rows 4 · from … 4 · to of C = activation(A·B + bias), or C += A·B, with a matrix A [rows, …] (transposed: […, rows])
 * by rows of `aLeading` floats. The other operands as in product.ts; each thread has `scratchBytes` of the scratch.
 */
export function multiplyMatrix(
  packed: usize,
  first: i32,
  depth: i32,
  c: usize,
  cLeading: i32,
  columns: i32,
  activation: i32,
  accumulate: boolean,
  scratch: usize,
  scratchBytes: i32,
  rows: i32,
  a: usize,
  aLeading: i32,
  aTransposed: boolean,
  from: i32,
  to: i32,
  thread: i32,
): void {
  setMatrix(a, aLeading, aTransposed, rows);
  const own = scratch + <usize>scratchBytes * thread;
  const end = min(rows, to * TILE_ROWS);
  multiply(packed, first, depth, c, cLeading, columns, activation, accumulate, own, from * TILE_ROWS, end);
}

/**
 * The same with a matrix A that is what the windows of a convolution see: a row for each window, or transposed for each
 * tap and channel. The image is [batch, height, width, channels], with spacing − 1 rows and columns of zeros between its
 * own. A thread's scratch ends with kernelWidth · channels floats.
 */
export function multiplyWindows(
  packed: usize,
  first: i32,
  depth: i32,
  c: usize,
  cLeading: i32,
  columns: i32,
  activation: i32,
  accumulate: boolean,
  scratch: usize,
  scratchBytes: i32,
  rows: i32,
  transposed: boolean,
  spacingY: i32,
  spacingX: i32,
  image: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  _outputs: i32,
  outputHeight: i32,
  outputWidth: i32,
  strideY: i32,
  strideX: i32,
  paddingTop: i32,
  paddingLeft: i32,
  dilationY: i32,
  dilationX: i32,
  from: i32,
  to: i32,
  thread: i32,
): void {
  const own = scratch + <usize>scratchBytes * thread;
  const zeros = own + scratchBytes - ((<usize>kernelWidth * channels) << 2);
  setImage(image, height, width, channels, zeros);
  spreadImage(spacingY, spacingX);
  setWindows(
    batch,
    outputHeight,
    outputWidth,
    kernelHeight,
    kernelWidth,
    strideY,
    strideX,
    paddingTop,
    paddingLeft,
    dilationY,
    dilationX,
  );
  setGathered(transposed);
  const end = min(rows, to * TILE_ROWS);
  multiply(packed, first, depth, c, cLeading, columns, activation, accumulate, own, from * TILE_ROWS, end);
}

/** [taps, channels, outputs] → [taps, outputs, channels], taps `first` … `end`. */
export function exchangeChannels(
  target: usize,
  kernel: usize,
  channels: i32,
  outputs: i32,
  first: i32,
  end: i32,
): void {
  const from = (<usize>outputs) << 2;
  const to = (<usize>channels) << 2;
  kernel += <usize>first * channels * from;
  target += <usize>first * outputs * to;
  for (let tap = first; tap < end; tap++) {
    let channel = 0;
    for (; channel + 4 <= channels; channel += 4) {
      const row = kernel + <usize>channel * from;
      const column = target + ((<usize>channel) << 2);
      interleaveRows(column, to, row, row + from, row + 2 * from, row + 3 * from, outputs);
    }
    for (; channel < channels; channel++) {
      for (let output = 0; output < outputs; output++) {
        const value = load<f32>(kernel + <usize>channel * from + ((<usize>output) << 2));
        store<f32>(target + <usize>output * to + ((<usize>channel) << 2), value);
      }
    }
    kernel += <usize>channels * from;
    target += <usize>outputs * to;
  }
}
