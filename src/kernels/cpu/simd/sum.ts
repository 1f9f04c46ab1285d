import { UNIT_ELEMENTS } from './blocks';

/**
 * y[o, i] = scale · Σ x[o, r, i] over r, summed in float64: matrices of [reduced, inner], each to a row of `inner` sums.
 * With inner = 1 the rows of a matrix are summed. The units from … to are computed, each a part of a row of y. Scratch
 * of UNIT_ELEMENTS float64 a thread.
 */
export function sum(
  x: usize,
  y: usize,
  reduced: i32,
  inner: i32,
  scale: f64,
  scratch: usize,
  from: i32,
  to: i32,
  thread: i32,
): void {
  const rowBytes = (<usize>inner) << 2;
  const unitsInRow = (inner + UNIT_ELEMENTS - 1) / UNIT_ELEMENTS;
  const totals = scratch + <usize>thread * (UNIT_ELEMENTS << 3);
  for (let unit = from; unit < to; unit++) {
    const matrix = unit / unitsInRow;
    const column = (unit - matrix * unitsInRow) * UNIT_ELEMENTS;
    const width = min(UNIT_ELEMENTS, inner - column);
    let source = x + <usize>matrix * reduced * rowBytes + ((<usize>column) << 2);
    const target = y + <usize>matrix * rowBytes + ((<usize>column) << 2);
    if (inner === 1) {
      store<f32>(target, <f32>(sumOf(source, reduced) * scale));
      continue;
    }
    memory.fill(totals, 0, (<usize>width) << 3);
    for (let r = 0; r < reduced; r++) {
      addRow(source, totals, width);
      source += rowBytes;
    }
    for (let i = 0; i < width; i++) {
      const total = load<f64>(totals + ((<usize>i) << 3));
      store<f32>(target + ((<usize>i) << 2), <f32>(total * scale));
    }
  }
}

export function sumOf(x: usize, count: i32): f64 {
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
