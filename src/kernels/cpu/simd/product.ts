import { activateRows } from './activation';
import { BLOCK_DEPTH, BLOCK_ROWS, TILE_COLUMNS, TILE_ROWS } from './blocks';
import { packLeft } from './left-operand';
import { multiplyTile } from './micro-kernel';
import { UnaryOperation } from './operations';
import { copyPanel, interleaveRows } from './pack';

const PANEL_ROW: usize = TILE_COLUMNS << 2;
const TILE_BYTES: usize = TILE_ROWS * TILE_COLUMNS * 4;

/**
 * Packs panels from … to of eight columns each of a matrix B [depth, columns] (transposed: [columns, depth]) by rows of
 * `leading` floats. A panel is a row of the bias (zeros without one) and then `depth` rows; missing columns are zeros.
 */
export function packRight(
  packed: usize,
  b: usize,
  leading: i32,
  transposed: boolean,
  bias: usize,
  columns: i32,
  depth: i32,
  from: i32,
  to: i32,
): void {
  const rowBytes = (<usize>leading) << 2;
  const panelBytes = <usize>(depth + 1) * PANEL_ROW;
  for (let panel = from; panel < to; panel++) {
    const column = panel * TILE_COLUMNS;
    const width = min(TILE_COLUMNS, columns - column);
    const start = packed + <usize>panel * panelBytes;
    const target = start + PANEL_ROW;
    memory.fill(start, 0, PANEL_ROW);
    if (bias) memory.copy(start, bias + ((<usize>column) << 2), (<usize>width) << 2);
    if (!transposed) {
      copyPanel(target, TILE_COLUMNS, b + ((<usize>column) << 2), rowBytes, width, depth);
      continue;
    }
    for (let half = 0; half < TILE_COLUMNS; half += 4) {
      // Columns past the end repeat the last: their sums are never copied out.
      const first = b + <usize>(column + min(half, width - 1)) * rowBytes;
      const second = b + <usize>(column + min(half + 1, width - 1)) * rowBytes;
      const third = b + <usize>(column + min(half + 2, width - 1)) * rowBytes;
      const fourth = b + <usize>(column + min(half + 3, width - 1)) * rowBytes;
      interleaveRows(target + ((<usize>half) << 2), PANEL_ROW, first, second, third, fourth, depth);
    }
  }
}

/**
 * Rows … to `rowsEnd` of C[rows, columns] = activation(A·B + bias), or C += A·B: A as set in left-operand.ts, of which
 * columns `first` … first + depth are multiplied with the packed B; C by rows of `cLeading` floats. `scratch` holds a
 * tile and BLOCK_ROWS · BLOCK_DEPTH floats.
 */
export function multiply(
  packed: usize,
  first: i32,
  depth: i32,
  c: usize,
  cLeading: i32,
  columns: i32,
  activation: i32,
  accumulate: boolean,
  scratch: usize,
  rowsStart: i32,
  rowsEnd: i32,
): void {
  const packedA = scratch + TILE_BYTES;
  const panelBytes = <usize>(depth + 1) * PANEL_ROW;
  for (let row = rowsStart; row < rowsEnd; row += BLOCK_ROWS) {
    const height = min(BLOCK_ROWS, rowsEnd - row);
    const corner = c + ((<usize>row * cLeading) << 2);
    // Without depth the sum is empty: one pass with no step writes the bias.
    let done = 0;
    do {
      const steps = min(BLOCK_DEPTH, depth - done);
      packLeft(packedA, row, height, first + done, steps);
      const last = done + steps >= depth;
      const add = accumulate || done > 0;
      const floor: f32 = last && activation === UnaryOperation.relu ? 0 : -Infinity;
      multiplyBlock(
        packedA,
        packed,
        panelBytes,
        done,
        steps,
        corner,
        cLeading,
        height,
        columns,
        add,
        floor,
        scratch,
      );
      done += steps;
    } while (done < depth);
    if (activation > UnaryOperation.relu) activateRows(corner, cLeading, height, columns, activation);
  }
}

function multiplyBlock(
  packedA: usize,
  packedB: usize,
  panelBytes: usize,
  done: i32,
  depth: i32,
  c: usize,
  cLeading: i32,
  rows: i32,
  columns: i32,
  add: boolean,
  floor: f32,
  tile: usize,
): void {
  const cStride = (<usize>cLeading) << 2;
  const panelA = (<usize>depth * TILE_ROWS) << 2;
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const bias = packedB;
    const b = packedB + <usize>(done + 1) * PANEL_ROW;
    packedB += panelBytes;
    const width = min(TILE_COLUMNS, columns - j);
    let a = packedA;
    for (let i = 0; i < rows; i += TILE_ROWS) {
      const target = c + <usize>i * cStride + ((<usize>j) << 2);
      const height = min(TILE_ROWS, rows - i);
      if (height === TILE_ROWS && width === TILE_COLUMNS) {
        multiplyTile(depth, a, b, target, cStride, add ? target : bias, add ? cStride : 0, floor);
      } else {
        if (add) copyTile(tile, PANEL_ROW, target, cStride, height, width);
        multiplyTile(depth, a, b, tile, PANEL_ROW, add ? tile : bias, add ? PANEL_ROW : 0, floor);
        copyTile(target, cStride, tile, PANEL_ROW, height, width);
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
