import { activateRows } from './activation';
import { multiplyAdd } from './multiply-add';
import { UnaryOperation } from './operations';

/**
 * C[rows, columns] = activation(A·B + bias) for a handful of rows: B is read once for three of them, in order, and never
 * packed (packing would cost more than the product). A's element (i, k) is aRow · i + aStep · k floats on; B
 * [depth, columns] by rows of `bLeading` floats. Columns in strips of `stripColumns`, of which those from … to are
 * computed.
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
  stripColumns: i32,
  from: i32,
  to: i32,
): void {
  const skipped = (<usize>(from * stripColumns)) << 2;
  const width = min(columns, to * stripColumns) - from * stripColumns;
  const bytes = (<usize>width) << 2;
  const rowBytes = (<usize>aRow) << 2;
  const step = (<usize>aStep) << 2;
  const bStride = (<usize>bLeading) << 2;
  const cStride = (<usize>cLeading) << 2;
  b += skipped;
  c += skipped;
  for (let row = 0; row < rows; row++) {
    const target = c + <usize>row * cStride;
    if (bias) memory.copy(target, bias + skipped, bytes);
    else memory.fill(target, 0, bytes);
  }
  let row = 0;
  for (; row + 3 <= rows; row += 3) {
    const left = a + <usize>row * rowBytes;
    addThreeRows(left, rowBytes, step, b, bStride, c + <usize>row * cStride, cStride, bytes, depth);
  }
  for (; row < rows; row++) {
    addRow(a + <usize>row * rowBytes, step, b, bStride, c + <usize>row * cStride, bytes, depth);
  }
  if (activation !== UnaryOperation.linear) activateRows(c, cLeading, rows, width, activation);
}

/**
 * c += Σ a[k] · b[k] over rows of `bytes` bytes of B, four of them at a time: as fast as by pairs or a third faster (1024
 * rows of 16 KiB, Zen 3), also where the rows lie a multiple of 4096 bytes apart.
 */
export function addRow(
  a: usize,
  step: usize,
  b: usize,
  bStride: usize,
  c: usize,
  bytes: usize,
  depth: i32,
): void {
  const end = c + bytes;
  for (; depth >= 4; depth -= 4) {
    addFour(a, step, b, bStride, c, end);
    a += 4 * step;
    b += 4 * bStride;
  }
  for (; depth > 0; depth--) {
    addOne(load<f32>(a), b, c, end);
    a += step;
    b += bStride;
  }
}

/** c += Σ a[k] · b[k] for four k, up to the address `end` of C. */
function addFour(a: usize, step: usize, b: usize, bStride: usize, c: usize, end: usize): void {
  const s0 = load<f32>(a);
  const s1 = load<f32>(a + step);
  const s2 = load<f32>(a + 2 * step);
  const s3 = load<f32>(a + 3 * step);
  const a0 = f32x4.splat(s0);
  const a1 = f32x4.splat(s1);
  const a2 = f32x4.splat(s2);
  const a3 = f32x4.splat(s3);
  let b1 = b + bStride;
  let b2 = b1 + bStride;
  let b3 = b2 + bStride;
  for (; c + 16 <= end; c += 16) {
    const half = multiplyAdd(a1, v128.load(b1), multiplyAdd(a0, v128.load(b), v128.load(c)));
    v128.store(c, multiplyAdd(a3, v128.load(b3), multiplyAdd(a2, v128.load(b2), half)));
    b += 16;
    b1 += 16;
    b2 += 16;
    b3 += 16;
  }
  for (; c < end; c += 4) {
    const half = load<f32>(c) + s0 * load<f32>(b) + s1 * load<f32>(b1);
    store<f32>(c, half + s2 * load<f32>(b2) + s3 * load<f32>(b3));
    b += 4;
    b1 += 4;
    b2 += 4;
    b3 += 4;
  }
}

/** What addRow does, for three rows of A and C at once and by pairs of rows of B. */
function addThreeRows(
  a: usize,
  aRow: usize,
  step: usize,
  b: usize,
  bStride: usize,
  c: usize,
  cStride: usize,
  bytes: usize,
  depth: i32,
): void {
  const end = c + bytes;
  const whole = c + (bytes & -16);
  let k = 0;
  for (; k + 2 <= depth; k += 2) {
    const p0 = load<f32>(a);
    const p1 = load<f32>(a + step);
    const q0 = load<f32>(a + aRow);
    const q1 = load<f32>(a + aRow + step);
    const r0 = load<f32>(a + 2 * aRow);
    const r1 = load<f32>(a + 2 * aRow + step);
    const pv0 = f32x4.splat(p0);
    const pv1 = f32x4.splat(p1);
    const qv0 = f32x4.splat(q0);
    const qv1 = f32x4.splat(q1);
    const rv0 = f32x4.splat(r0);
    const rv1 = f32x4.splat(r1);
    let b0 = b;
    let b1 = b + bStride;
    let target = c;
    while (target < whole) {
      const x0 = v128.load(b0);
      const x1 = v128.load(b1);
      const second = target + cStride;
      const third = second + cStride;
      v128.store(target, multiplyAdd(pv1, x1, multiplyAdd(pv0, x0, v128.load(target))));
      v128.store(second, multiplyAdd(qv1, x1, multiplyAdd(qv0, x0, v128.load(second))));
      v128.store(third, multiplyAdd(rv1, x1, multiplyAdd(rv0, x0, v128.load(third))));
      b0 += 16;
      b1 += 16;
      target += 16;
    }
    for (; target < end; target += 4) {
      const x0 = load<f32>(b0);
      const x1 = load<f32>(b1);
      const second = target + cStride;
      const third = second + cStride;
      store<f32>(target, load<f32>(target) + p0 * x0 + p1 * x1);
      store<f32>(second, load<f32>(second) + q0 * x0 + q1 * x1);
      store<f32>(third, load<f32>(third) + r0 * x0 + r1 * x1);
      b0 += 4;
      b1 += 4;
    }
    a += 2 * step;
    b += 2 * bStride;
  }
  if (k === depth) return;
  for (let row: usize = 0; row < 3; row++) {
    addOne(load<f32>(a + row * aRow), b, c + row * cStride, end + row * cStride);
  }
}

/** c += factor · b, up to the address `end` of C. */
export function addOne(factor: f32, b: usize, c: usize, end: usize): void {
  const factors = f32x4.splat(factor);
  for (; c + 16 <= end; c += 16) {
    v128.store(c, multiplyAdd(factors, v128.load(b), v128.load(c)));
    b += 16;
  }
  for (; c < end; c += 4) {
    store<f32>(c, load<f32>(c) + factor * load<f32>(b));
    b += 4;
  }
}
