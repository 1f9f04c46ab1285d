/** Rows of C that one call of the micro-kernel computes; a panel of A is this many floats wide. */
export const TILE_ROWS: i32 = 4;
/** Columns of C that one call of the micro-kernel computes; a panel of B is this many floats wide. */
export const TILE_COLUMNS: i32 = 8;

/**
 * C[4, 8] = max(floor, base + A·B) over `depth` steps, from a panel of A ([depth, 4]) and one of B ([depth, 8]).
 * `base` is C itself when adding to it, or the bias row with a stride of 0. Strides are in bytes.
 *
 * Eight accumulators, two vectors of B, a splat and a product fit the 15 vector registers that V8 has on x64; the eight
 * independent chains cover the latency of an addition.
 */
export function multiplyTile(
  depth: i32,
  a: usize,
  b: usize,
  c: usize,
  cStride: usize,
  base: usize,
  baseStride: usize,
  floor: f32,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (; depth >= 2; depth -= 2) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(a0, b0));
    c01 = f32x4.add(c01, f32x4.mul(a0, b1));
    const a1 = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(a1, b0));
    c11 = f32x4.add(c11, f32x4.mul(a1, b1));
    const a2 = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(a2, b0));
    c21 = f32x4.add(c21, f32x4.mul(a2, b1));
    const a3 = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(a3, b0));
    c31 = f32x4.add(c31, f32x4.mul(a3, b1));
    const e0 = v128.load(b, 32);
    const e1 = v128.load(b, 48);
    const d0 = v128.load32_splat(a, 16);
    c00 = f32x4.add(c00, f32x4.mul(d0, e0));
    c01 = f32x4.add(c01, f32x4.mul(d0, e1));
    const d1 = v128.load32_splat(a, 20);
    c10 = f32x4.add(c10, f32x4.mul(d1, e0));
    c11 = f32x4.add(c11, f32x4.mul(d1, e1));
    const d2 = v128.load32_splat(a, 24);
    c20 = f32x4.add(c20, f32x4.mul(d2, e0));
    c21 = f32x4.add(c21, f32x4.mul(d2, e1));
    const d3 = v128.load32_splat(a, 28);
    c30 = f32x4.add(c30, f32x4.mul(d3, e0));
    c31 = f32x4.add(c31, f32x4.mul(d3, e1));
    a += 32;
    b += 64;
  }
  if (depth) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(a0, b0));
    c01 = f32x4.add(c01, f32x4.mul(a0, b1));
    const a1 = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(a1, b0));
    c11 = f32x4.add(c11, f32x4.mul(a1, b1));
    const a2 = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(a2, b0));
    c21 = f32x4.add(c21, f32x4.mul(a2, b1));
    const a3 = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(a3, b0));
    c31 = f32x4.add(c31, f32x4.mul(a3, b1));
  }
  const low = f32x4.splat(floor);
  storeRow(c, base, c00, c01, low);
  storeRow(c + cStride, base + baseStride, c10, c11, low);
  storeRow(c + 2 * cStride, base + 2 * baseStride, c20, c21, low);
  storeRow(c + 3 * cStride, base + 3 * baseStride, c30, c31, low);
}

function storeRow(c: usize, base: usize, left: v128, right: v128, low: v128): void {
  v128.store(c, f32x4.pmax(f32x4.add(v128.load(base), left), low));
  v128.store(c, f32x4.pmax(f32x4.add(v128.load(base, 16), right), low), 16);
}
