import { TILE_ROWS } from './micro-kernel';
import { copyPanel, interleaveRows } from './pack';

/**
 * The matrix A of a product, read while its panels are packed: stored by rows, by columns (transposed), or not stored
 * at all but gathered from an image, one row for each output pixel of a convolution (implicit im2col). Module state: one
 * product runs at a time in an instance.
 */
enum Layout {
  Rows,
  Columns,
  Image,
}

let layout: Layout = Layout.Rows;
let origin: usize = 0;
let rowStride: usize = 0;
let rowCount: i32 = 0;

let imageHeight: i32 = 0;
let imageWidth: i32 = 0;
let channels: i32 = 0;
let kernelWidth: i32 = 0;
let outputHeight: i32 = 0;
let outputWidth: i32 = 0;
let strideY: i32 = 0;
let strideX: i32 = 0;
let paddingTop: i32 = 0;
let paddingLeft: i32 = 0;
let dilationY: i32 = 0;
let dilationX: i32 = 0;
/** At least kernelWidth · channels zeros, read in place of pixels outside the image. */
let zeros: usize = 0;

/** A is a matrix in memory; `leading` is its row length in floats. */
export function setMatrix(a: usize, leading: i32, transposed: boolean, rows: i32): void {
  layout = transposed ? Layout.Columns : Layout.Rows;
  origin = a;
  rowStride = (<usize>leading) << 2;
  rowCount = rows;
}

/** A is what a convolution's window sees of an image batch [n, height, width, channels]. */
export function setImage(
  x: usize,
  height: i32,
  width: i32,
  depth: i32,
  windowWidth: i32,
  rows: i32,
  columns: i32,
  batch: i32,
  verticalStride: i32,
  horizontalStride: i32,
  top: i32,
  left: i32,
  verticalDilation: i32,
  horizontalDilation: i32,
  zeroRun: usize,
): void {
  layout = Layout.Image;
  origin = x;
  imageHeight = height;
  imageWidth = width;
  channels = depth;
  kernelWidth = windowWidth;
  outputHeight = rows;
  outputWidth = columns;
  rowCount = batch * rows * columns;
  strideY = verticalStride;
  strideX = horizontalStride;
  paddingTop = top;
  paddingLeft = left;
  dilationY = verticalDilation;
  dilationX = horizontalDilation;
  zeros = zeroRun;
}

/** Packs A[row … row+rows, from … from+depth] as panels of [depth, 4]; rows past the end repeat the last. */
export function packLeft(target: usize, row: i32, rows: i32, from: i32, depth: i32): void {
  const panelBytes = (<usize>depth * TILE_ROWS) << 2;
  for (let i = 0; i < rows; i += TILE_ROWS) {
    if (layout === Layout.Rows) packRows(target, row + i, from, depth);
    else if (layout === Layout.Columns) {
      copyPanel(
        target,
        TILE_ROWS,
        origin + <usize>from * rowStride + ((<usize>(row + i)) << 2),
        rowStride,
        rowCount - row - i,
        depth,
      );
    } else packPixels(target, row + i, from, depth);
    target += panelBytes;
  }
}

function rowAddress(row: i32, from: i32): usize {
  return origin + <usize>min(row, rowCount - 1) * rowStride + ((<usize>from) << 2);
}

function packRows(target: usize, row: i32, from: i32, depth: i32): void {
  interleaveRows(
    target,
    16,
    rowAddress(row, from),
    rowAddress(row + 1, from),
    rowAddress(row + 2, from),
    rowAddress(row + 3, from),
    depth,
  );
}

function pixelAddress(image: usize, y: i32, x: i32, offset: usize): usize {
  const inside = <u32>y < <u32>imageHeight && <u32>x < <u32>imageWidth;
  return inside ? image + ((<usize>(y * imageWidth + x) * channels) << 2) + offset : zeros;
}

function packPixels(target: usize, row: i32, from: i32, depth: i32): void {
  const imageBytes = (<usize>imageHeight * imageWidth * channels) << 2;
  const area = outputHeight * outputWidth;
  const last = rowCount - 1;

  const p0 = min(row, last);
  const p1 = min(row + 1, last);
  const p2 = min(row + 2, last);
  const p3 = min(row + 3, last);
  const n0 = p0 / area;
  const n1 = p1 / area;
  const n2 = p2 / area;
  const n3 = p3 / area;
  const y0 = ((p0 - n0 * area) / outputWidth) * strideY - paddingTop;
  const y1 = ((p1 - n1 * area) / outputWidth) * strideY - paddingTop;
  const y2 = ((p2 - n2 * area) / outputWidth) * strideY - paddingTop;
  const y3 = ((p3 - n3 * area) / outputWidth) * strideY - paddingTop;
  const x0 = (p0 % outputWidth) * strideX - paddingLeft;
  const x1 = (p1 % outputWidth) * strideX - paddingLeft;
  const x2 = (p2 % outputWidth) * strideX - paddingLeft;
  const x3 = (p3 % outputWidth) * strideX - paddingLeft;
  const i0 = origin + <usize>n0 * imageBytes;
  const i1 = origin + <usize>n1 * imageBytes;
  const i2 = origin + <usize>n2 * imageBytes;
  const i3 = origin + <usize>n3 * imageBytes;

  // Where no window sticks out sideways, a row of the kernel is one contiguous run of the image.
  const least = min(min(x0, x1), min(x2, x3));
  const most = max(max(x0, x1), max(x2, x3));
  const wholeRows = dilationX === 1 && least >= 0 && most + kernelWidth <= imageWidth;

  const end = from + depth;
  let k = from;
  while (k < end) {
    const tap = k / channels;
    const channel = k - tap * channels;
    const ky = tap / kernelWidth;
    const kx = tap - ky * kernelWidth;
    const run = min((wholeRows ? kernelWidth - kx : 1) * channels - channel, end - k);
    const dy = ky * dilationY;
    const dx = kx * dilationX;
    const offset = (<usize>channel) << 2;
    interleaveRows(
      target,
      16,
      pixelAddress(i0, y0 + dy, x0 + dx, offset),
      pixelAddress(i1, y1 + dy, x1 + dx, offset),
      pixelAddress(i2, y2 + dy, x2 + dx, offset),
      pixelAddress(i3, y3 + dy, x3 + dx, offset),
      run,
    );
    target += (<usize>run) << 4;
    k += run;
  }
}
