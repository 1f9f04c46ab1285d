import { TILE_ROWS } from './blocks';
import { packPixels, packTaps } from './image-operand';
import { copyPanel, interleaveRows } from './pack';

/**
 * The matrix A of a product, read while its panels are packed: stored by rows, by columns (transposed), or not stored
 * at all but gathered from an image, as it is or transposed (implicit im2col). Module state: one product runs at a time
 * in an instance.
 */
enum Layout {
  Rows,
  Columns,
  /** One row for each window. */
  Pixels,
  /** One row for each tap of the window and channel. */
  Taps,
}

let layout: Layout = Layout.Rows;
let origin: usize = 0;
let rowStride: usize = 0;
let rowCount: i32 = 0;

/** A is a matrix in memory; `leading` is its row length in floats. */
export function setMatrix(a: usize, leading: i32, transposed: boolean, rows: i32): void {
  layout = transposed ? Layout.Columns : Layout.Rows;
  origin = a;
  rowStride = (<usize>leading) << 2;
  rowCount = rows;
}

/** A is what the windows of a convolution see; see image-operand.ts, where the image is set. */
export function setGathered(transposed: boolean): void {
  layout = transposed ? Layout.Taps : Layout.Pixels;
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
    } else if (layout === Layout.Pixels) packPixels(target, row + i, from, depth);
    else packTaps(target, row + i, from, depth);
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
