import { activateRows } from './activation';
import { packLeft } from './left-operand';
import { multiplyTile, TILE_COLUMNS, TILE_ROWS } from './micro-kernel';
import { copyPanel, fillZeros, interleaveRows } from './pack';

/** Rows of A packed at once: 64 · 256 floats, a small part of the second-level cache. */
const BLOCK_ROWS: i32 = 64;
/** Depth of a block: a panel of B takes 8 KiB, one of A 4 KiB; both stay in the first-level cache. */
const BLOCK_DEPTH: i32 = 256;
/** Columns of B packed at once: 512 · 256 floats, half of a second-level cache of 1 MiB. */
const BLOCK_COLUMNS: i32 = 512;

const TILE_BYTES: usize = 128;

/** Bytes of working memory of a product with `columns` columns. */
export function productScratch(columns: i32): i32 {
  const padded = roundUp(columns);
  return (BLOCK_ROWS * BLOCK_DEPTH + min(padded, BLOCK_COLUMNS) * BLOCK_DEPTH + padded) * 4 + <i32>TILE_BYTES;
}

function roundUp(columns: i32): i32 {
  return (columns + TILE_COLUMNS - 1) & -TILE_COLUMNS;
}

/**
 * C[rows, columns] = activation(A·B + bias), or C += A·B, with A as set in left-operand.ts and B [depth, columns]
 * (transposed: [columns, depth]) by rows of `bLeading` floats; C by rows of `cLeading` floats.
 */
export function multiply(
  b: usize,
  bLeading: i32,
  bTransposed: boolean,
  bias: usize,
  c: usize,
  cLeading: i32,
  rows: i32,
  columns: i32,
  depth: i32,
  activation: i32,
  accumulate: boolean,
  scratch: usize,
): void {
  const padded = roundUp(columns);
  const tile = scratch;
  const baseRow = tile + TILE_BYTES;
  const packedA = baseRow + ((<usize>padded) << 2);
  const packedB = packedA + ((<usize>BLOCK_ROWS * BLOCK_DEPTH) << 2);
  fillZeros(baseRow, padded);
  if (bias) memory.copy(baseRow, bias, (<usize>columns) << 2);

  for (let column = 0; column < columns; column += BLOCK_COLUMNS) {
    const width = min(BLOCK_COLUMNS, columns - column);
    // Without depth the sum is empty: one pass with no step writes the bias.
    let from = 0;
    do {
      const steps = min(BLOCK_DEPTH, depth - from);
      packRight(packedB, b, bLeading, bTransposed, column, width, from, steps);
      const last = from + steps >= depth;
      const add = accumulate || from > 0;
      const floor: f32 = last && activation === 1 ? 0 : -Infinity;
      for (let row = 0; row < rows; row += BLOCK_ROWS) {
        const height = min(BLOCK_ROWS, rows - row);
        packLeft(packedA, row, height, from, steps);
        const corner = c + ((<usize>row * cLeading + column) << 2);
        multiplyBlock(
          packedA,
          packedB,
          corner,
          cLeading,
          height,
          width,
          steps,
          add,
          baseRow + ((<usize>column) << 2),
          floor,
          tile,
        );
        if (last && activation > 1) activateRows(corner, cLeading, height, width, activation);
      }
      from += BLOCK_DEPTH;
    } while (from < depth);
  }
}

function packRight(
  target: usize,
  b: usize,
  leading: i32,
  transposed: boolean,
  column: i32,
  width: i32,
  from: i32,
  steps: i32,
): void {
  const rowBytes = (<usize>leading) << 2;
  const panelBytes = (<usize>steps * TILE_COLUMNS) << 2;
  const bytes = <usize>(TILE_COLUMNS << 2);
  for (let j = 0; j < width; j += TILE_COLUMNS) {
    if (!transposed) {
      const source = b + <usize>from * rowBytes + ((<usize>(column + j)) << 2);
      copyPanel(target, TILE_COLUMNS, source, rowBytes, width - j, steps);
    } else {
      for (let half = 0; half < TILE_COLUMNS; half += 4) {
        // Columns past the end repeat the last: their sums are never copied out.
        const first = b + <usize>(column + min(j + half, width - 1)) * rowBytes + ((<usize>from) << 2);
        const second = b + <usize>(column + min(j + half + 1, width - 1)) * rowBytes + ((<usize>from) << 2);
        const third = b + <usize>(column + min(j + half + 2, width - 1)) * rowBytes + ((<usize>from) << 2);
        const fourth = b + <usize>(column + min(j + half + 3, width - 1)) * rowBytes + ((<usize>from) << 2);
        interleaveRows(target + ((<usize>half) << 2), bytes, first, second, third, fourth, steps);
      }
    }
    target += panelBytes;
  }
}

function multiplyBlock(
  packedA: usize,
  packedB: usize,
  c: usize,
  cLeading: i32,
  rows: i32,
  columns: i32,
  depth: i32,
  add: boolean,
  baseRow: usize,
  floor: f32,
  tile: usize,
): void {
  const cStride = (<usize>cLeading) << 2;
  const panelA = (<usize>depth * TILE_ROWS) << 2;
  const panelB = (<usize>depth * TILE_COLUMNS) << 2;
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const b = packedB + <usize>(j / TILE_COLUMNS) * panelB;
    const bias = baseRow + ((<usize>j) << 2);
    const width = min(TILE_COLUMNS, columns - j);
    let a = packedA;
    for (let i = 0; i < rows; i += TILE_ROWS) {
      const target = c + <usize>i * cStride + ((<usize>j) << 2);
      const height = min(TILE_ROWS, rows - i);
      if (height === TILE_ROWS && width === TILE_COLUMNS) {
        multiplyTile(depth, a, b, target, cStride, add ? target : bias, add ? cStride : 0, floor);
      } else {
        if (add) copyTile(tile, 32, target, cStride, height, width);
        multiplyTile(depth, a, b, tile, 32, add ? tile : bias, add ? 32 : 0, floor);
        copyTile(target, cStride, tile, 32, height, width);
      }
      a += panelA;
    }
  }
}

function copyTile(
  target: usize,
  targetStride: usize,
  source: usize,
  sourceStride: usize,
  rows: i32,
  columns: i32,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const offset = (<usize>column) << 2;
      store<f32>(target + offset, load<f32>(source + offset));
    }
    target += targetStride;
    source += sourceStride;
  }
}
