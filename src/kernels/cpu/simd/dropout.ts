import { UNIT_ELEMENTS } from './blocks';

/**
 * Zero where the hash of the element's number lies below the threshold, else x times the scale; on 4 floats or more, in
 * units from … to.
 * Bit for bit what the plain op computes, whose product is one of float64.
 */
export function dropout(
  x: usize,
  y: usize,
  count: i32,
  key0: i32,
  key1: i32,
  threshold: u32,
  scale: f64,
  from: i32,
  to: i32,
): void {
  const scales = f64x2.splat(scale);
  const end = min(count, to * UNIT_ELEMENTS);
  for (let element = from * UNIT_ELEMENTS; element < end; element += 4) {
    // The last four are computed together, however many of them are done: y is not x.
    const first = min(element, end - 4);
    const at = (<usize>first) << 2;
    const numbers = i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3));
    const hash = pcg(v128.xor(pcg(v128.xor(numbers, i32x4.splat(key0))), i32x4.splat(key1)));
    const dropped = i32x4.lt_u(hash, i32x4.splat(threshold));
    const low = f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(x + at)), scales);
    const high = f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(x + at, 8)), scales);
    const scaled = v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
    v128.store(y + at, v128.andnot(scaled, dropped));
  }
}

/** The hash of dropout.ts of the ops, on four numbers. */
function pcg(value: v128): v128 {
  const state = i32x4.add(i32x4.mul(value, i32x4.splat(747796405)), i32x4.splat(-1403630843));
  const mixed = v128.xor(shiftByOwnBits(state), state);
  const word = i32x4.mul(mixed, i32x4.splat(277803737));
  return v128.xor(i32x4.shr_u(word, 22), word);
}

/**
 * state >>> ((state >>> 28) + 4), lane by lane. SIMD shifts all lanes alike, so the product with 2^(28 − (state >>> 28))
 * stands for it, of which the upper 32 of 64 bits count; the power is a float made from its exponent.
 */
function shiftByOwnBits(state: v128): v128 {
  const exponent = i32x4.sub(i32x4.splat(127 + 28), i32x4.shr_u(state, 28));
  const power = i32x4.trunc_sat_f32x4_s(i32x4.shl(exponent, 23));
  const low = i64x2.extmul_low_i32x4_u(state, power);
  const high = i64x2.extmul_high_i32x4_u(state, power);
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7);
}
