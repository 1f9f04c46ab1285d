import { activateRows } from './activation';
import { STRIP_COLUMNS } from './blocks';
import { multiplyAdd } from './multiply-add';

/** Columns worked on at a time: four rows of B and one of C take 20 KiB, and stay in the first-level cache. */
const CHUNK: i32 = 1024;

/**
 * C[rows, columns] = activation(A·B + bias) for a handful of rows: B is read once, in order, and never packed (packing
 * would cost more than the product). A's element (i, k) is aRow · i + aStep · k floats on; B [depth, columns] by rows of
 * `bLeading` floats. Columns in strips, of which those from … to are computed.
 */
export function multiplyFewRows(
  a: usize,
  aRow: i32,
  aStep: i32,
  b: usize,
  bLeading: i32,
  bias: usize,
  c: usize,
  cLeading: i32,
  rows: i32,
  columns: i32,
  depth: i32,
  activation: i32,
  from: i32,
  to: i32,
): void {
  // The strips from … to, all of whose columns are this call's affair.
  const skipped = from * STRIP_COLUMNS;
  columns = min(columns, to * STRIP_COLUMNS) - skipped;
  b += (<usize>skipped) << 2;
  c += (<usize>skipped) << 2;
  if (bias) bias += (<usize>skipped) << 2;
  const cStride = (<usize>cLeading) << 2;
  const bStride = (<usize>bLeading) << 2;
  const aRowBytes = (<usize>aRow) << 2;
  const aStepBytes = (<usize>aStep) << 2;
  for (let row = 0; row < rows; row++) {
    const target = c + <usize>row * cStride;
    if (bias) memory.copy(target, bias, (<usize>columns) << 2);
    else memory.fill(target, 0, (<usize>columns) << 2);
  }
  for (let column = 0; column < columns; column += CHUNK) {
    const width = min(CHUNK, columns - column);
    const offset = (<usize>column) << 2;
    let k = 0;
    for (; k + 4 <= depth; k += 4) {
      for (let row = 0; row < rows; row++) {
        const left = a + <usize>row * aRowBytes + <usize>k * aStepBytes;
        addFourRows(
          c + <usize>row * cStride + offset,
          b + <usize>k * bStride + offset,
          bStride,
          left,
          aStepBytes,
          width,
        );
      }
    }
    for (; k < depth; k++) {
      for (let row = 0; row < rows; row++) {
        const factor = load<f32>(a + <usize>row * aRowBytes + <usize>k * aStepBytes);
        addRow(c + <usize>row * cStride + offset, b + <usize>k * bStride + offset, factor, width);
      }
    }
  }
  if (activation) activateRows(c, cLeading, rows, columns, activation);
}

/** c += a₀·b₀ + a₁·b₁ + a₂·b₂ + a₃·b₃ over rows of `width` floats. */
function addFourRows(c: usize, b: usize, bStride: usize, a: usize, aStep: usize, width: i32): void {
  const s0 = load<f32>(a);
  const s1 = load<f32>(a + aStep);
  const s2 = load<f32>(a + 2 * aStep);
  const s3 = load<f32>(a + 3 * aStep);
  const a0 = f32x4.splat(s0);
  const a1 = f32x4.splat(s1);
  const a2 = f32x4.splat(s2);
  const a3 = f32x4.splat(s3);
  let b1 = b + bStride;
  let b2 = b1 + bStride;
  let b3 = b2 + bStride;
  for (; width >= 4; width -= 4) {
    const even = multiplyAdd(a1, v128.load(b1), f32x4.mul(a0, v128.load(b)));
    const odd = multiplyAdd(a3, v128.load(b3), f32x4.mul(a2, v128.load(b2)));
    v128.store(c, f32x4.add(v128.load(c), f32x4.add(even, odd)));
    b += 16;
    b1 += 16;
    b2 += 16;
    b3 += 16;
    c += 16;
  }
  for (; width > 0; width--) {
    const even: f32 = s0 * load<f32>(b) + s1 * load<f32>(b1);
    const odd: f32 = s2 * load<f32>(b2) + s3 * load<f32>(b3);
    store<f32>(c, load<f32>(c) + (even + odd));
    b += 4;
    b1 += 4;
    b2 += 4;
    b3 += 4;
    c += 4;
  }
}

function addRow(c: usize, b: usize, factor: f32, width: i32): void {
  const a = f32x4.splat(factor);
  for (; width >= 4; width -= 4) {
    v128.store(c, multiplyAdd(a, v128.load(b), v128.load(c)));
    b += 16;
    c += 16;
  }
  for (; width > 0; width--) {
    store<f32>(c, load<f32>(c) + factor * load<f32>(b));
    b += 4;
    c += 4;
  }
}
