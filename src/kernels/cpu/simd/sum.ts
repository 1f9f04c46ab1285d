/**
 * y[o, i] = scale · Σ x[o, r, i] over r, summed in float64: `outer` matrices of [reduced, inner], each to a row of
 * `inner` sums. With inner = 1 the rows of a matrix are summed. Scratch of `inner` float64.
 */
export function sum(
  x: usize,
  y: usize,
  outer: i32,
  reduced: i32,
  inner: i32,
  scale: f64,
  scratch: usize,
): void {
  const rowBytes = (<usize>inner) << 2;
  for (let o = 0; o < outer; o++) {
    if (inner === 1) {
      store<f32>(y, <f32>(sumOf(x, reduced) * scale));
      x += (<usize>reduced) << 2;
    } else {
      memory.fill(scratch, 0, (<usize>inner) << 3);
      for (let r = 0; r < reduced; r++) {
        addRow(x, scratch, inner);
        x += rowBytes;
      }
      for (let i = 0; i < inner; i++) {
        const total = load<f64>(scratch + ((<usize>i) << 3));
        store<f32>(y + ((<usize>i) << 2), <f32>(total * scale));
      }
    }
    y += rowBytes;
  }
}

function sumOf(x: usize, count: i32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (; count >= 4; count -= 4) {
    low = f64x2.add(low, f64x2.promote_low_f32x4(v128.load64_zero(x)));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.load64_zero(x, 8)));
    x += 16;
  }
  low = f64x2.add(low, high);
  let total = f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1);
  for (; count > 0; count--) {
    total += <f64>load<f32>(x);
    x += 4;
  }
  return total;
}

function addRow(x: usize, totals: usize, count: i32): void {
  for (; count >= 4; count -= 4) {
    const low = f64x2.promote_low_f32x4(v128.load64_zero(x));
    const high = f64x2.promote_low_f32x4(v128.load64_zero(x, 8));
    v128.store(totals, f64x2.add(v128.load(totals), low));
    v128.store(totals, f64x2.add(v128.load(totals, 16), high), 16);
    x += 16;
    totals += 32;
  }
  for (; count > 0; count--) {
    store<f64>(totals, load<f64>(totals) + <f64>load<f32>(x));
    x += 4;
    totals += 8;
  }
}
