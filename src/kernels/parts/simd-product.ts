import { BLOCK_DEPTH, BLOCK_ROWS, TILE_COLUMNS, TILE_ROWS } from '../cpu/simd/blocks.ts';
import type { SimdCall } from '../op/op.ts';
import type { Activation } from './activation.ts';
import { UnaryOperation } from './simd-operations.ts';
import type { WindowArguments } from './window.ts';

/** A matrix in memory: its address, its row length in floats, and whether it is read transposed. */
export interface SimdMatrix {
  readonly address: number;
  readonly leading: number;
  readonly transposed: boolean;
}

/**
 * A matrix that is what the windows of a convolution see: a row for each window and a column for each tap and channel,
 * or transposed. The image is read as if there were `spacing` − 1 rows and columns of zeros between its own.
 */
export interface SimdWindows {
  readonly image: number;
  readonly windows: WindowArguments;
  readonly spacing: readonly [vertical: number, horizontal: number];
  readonly transposed: boolean;
}

/** C = activation(A·B + bias), A [rows, depth], B [depth, columns], C by rows of `cLeading` floats. */
export interface SimdProduct {
  readonly a: SimdMatrix | SimdWindows;
  readonly b: SimdMatrix;
  /** Address of `columns` floats, or 0 for none. */
  readonly bias: number;
  readonly c: number;
  readonly cLeading: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly activation: Activation;
}

/** Up to this many rows, reading B in place beats packing it: 23 GFLOPS for 5 rows against 13; at 8 they are even. */
const FEW_ROWS = 7;

/** Columns below which a product of few rows is not divided: 256 bytes of each row are read at 28 GB/s. */
const LEAST_STRIP = 64;

/** Floats of B packed at a time, 4 MiB: half of the third-level cache that a core of a small machine has for itself. */
const PACKED_FLOATS = 1 << 20;
const PACKED_DEPTH = 2048;

/** Nanoseconds that a core takes for a multiplication and an addition, and to pack a float. */
const MULTIPLY_ADD = 0.06;
const MULTIPLY_ADD_UNPACKED = 0.1;
const PACK = 0.4;

/** Runs a product on the kernels. */
export function multiply<A>(call: SimdCall<A>, product: SimdProduct): void {
  const { a, b, bias, c, cLeading, rows, columns, depth } = product;
  const activation = UnaryOperation[product.activation];
  if (rows * columns === 0) return;
  if (rows <= FEW_ROWS && 'leading' in a && !b.transposed) {
    const [aRow, aStep] = a.transposed ? [1, a.leading] : [a.leading, 1];
    const strip = stripColumns(columns, call.threads);
    call.run(
      'multiplyFewRows',
      [
        a.address,
        aRow,
        aStep,
        b.address,
        b.leading,
        bias,
        c,
        cLeading,
        rows,
        columns,
        depth,
        activation,
        strip,
      ],
      Math.ceil(columns / strip),
      strip * depth * rows * MULTIPLY_ADD_UNPACKED,
    );
    return;
  }
  const groupDepth = Math.min(depth, PACKED_DEPTH);
  const groupPanels = Math.max(1, Math.floor(PACKED_FLOATS / (groupDepth + 1) / TILE_COLUMNS));
  const groupColumns = Math.min(columns, groupPanels * TILE_COLUMNS);
  const packedBytes = Math.ceil(groupColumns / TILE_COLUMNS) * (groupDepth + 1) * TILE_COLUMNS * 4;
  const workspace = workspaceBytes(product);
  const packed = call.scratch(packedBytes + call.threads * workspace);
  const scratch = packed + packedBytes;
  for (let column = 0; column < columns; column += groupColumns) {
    const width = Math.min(groupColumns, columns - column);
    // Without depth the sum is empty: one pass with no step writes the bias.
    let from = 0;
    do {
      const steps = Math.min(groupDepth, depth - from);
      const [row, step] = b.transposed ? [1, b.leading] : [b.leading, 1];
      const corner = b.address + 4 * (from * row + column * step);
      const biasHere = bias && from === 0 ? bias + 4 * column : 0;
      call.run(
        'packRight',
        [packed, corner, b.leading, b.transposed ? 1 : 0, biasHere, width, steps],
        Math.ceil(width / TILE_COLUMNS),
        TILE_COLUMNS * steps * PACK,
      );
      const last = from + steps >= depth;
      const shared = [
        packed,
        from,
        steps,
        c + 4 * column,
        cLeading,
        width,
        last ? activation : UnaryOperation.linear,
        from > 0 ? 1 : 0,
        scratch,
        workspace,
        rows,
      ] as const;
      const units = Math.ceil(rows / TILE_ROWS);
      const cost = TILE_ROWS * steps * (width * MULTIPLY_ADD + PACK);
      if ('leading' in a) {
        call.run('multiplyMatrix', [...shared, a.address, a.leading, a.transposed ? 1 : 0], units, cost);
      } else {
        call.run(
          'multiplyWindows',
          [...shared, a.transposed ? 1 : 0, ...a.spacing, a.image, ...a.windows],
          units,
          cost,
        );
      }
      from += steps;
    } while (from < depth);
  }
}

/**
 * Columns of one piece of a product of few rows: one piece a thread, which reads long rows of B at 36 GB/s (two cores of
 * Zen 3); in pieces of 512 columns, more than the threads, they read 20. Whole vectors, so that no thread has a remainder
 * but the last.
 */
function stripColumns(columns: number, threads: number): number {
  return Math.max(LEAST_STRIP, 8 * Math.ceil(columns / threads / 8));
}

/** Bytes that a thread needs: a tile, a block of packed A, and what stands for pixels outside the image. */
function workspaceBytes({ a, rows, depth }: SimdProduct): number {
  const tiles = Math.ceil(Math.min(rows, BLOCK_ROWS) / TILE_ROWS);
  let floats = TILE_ROWS * TILE_COLUMNS + tiles * TILE_ROWS * Math.min(depth, BLOCK_DEPTH);
  if ('windows' in a) {
    const [, , , channels, , kernelWidth] = a.windows;
    floats += channels * kernelWidth;
  }
  // Whole cache lines: two threads never write to the same.
  return Math.ceil(floats / 16) * 64;
}
