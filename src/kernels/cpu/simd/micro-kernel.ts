import { multiplyAdd } from './multiply-add';

/**
 * C[4, 8] = max(floor, base + A·B) over `depth` steps, from a panel of A ([depth, 4]) and one of B ([depth, 8]).
 * `base` is C itself when adding to it, or the bias row with a stride of 0. Strides are in bytes.
 *
 * Eight accumulators, two vectors of B, a splat and a product fit the 15 vector registers that V8 has on x64; the eight
 * independent chains cover the latency of an addition. In V8 of Node 20 the plain loop reaches 40 GFLOPS on a core of
 * which unrolling by two gets 30, and larger tiles 27 (their registers spill); 5 × 8 gains 3 % but packs badly.
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
  const end = a + <usize>depth * 16;
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    const a1 = v128.load32_splat(a, 4);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    const a2 = v128.load32_splat(a, 8);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    const a3 = v128.load32_splat(a, 12);
    c30 = multiplyAdd(a3, b0, c30);
    c31 = multiplyAdd(a3, b1, c31);
    a += 16;
    b += 32;
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
