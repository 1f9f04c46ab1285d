import { exponential } from './exponential';
import { sumOf } from './sum';

/** Probabilities over each of the rows from … to, of `columns` floats, one or more. */
export function softmax(x: usize, y: usize, columns: i32, from: i32, to: i32): void {
  const bytes = (<usize>columns) << 2;
  x += <usize>from * bytes;
  y += <usize>from * bytes;
  for (let row = from; row < to; row++) {
    const sum = sumOfExponentials(x, columns, largest(x, columns), y);
    scale(y, columns, <f32>(1 / sum));
    x += bytes;
    y += bytes;
  }
}

/** Log-probabilities over each of the rows from … to. */
export function logSoftmax(x: usize, y: usize, columns: i32, from: i32, to: i32): void {
  const bytes = (<usize>columns) << 2;
  x += <usize>from * bytes;
  y += <usize>from * bytes;
  for (let row = from; row < to; row++) {
    const shift = largest(x, columns);
    const logarithm = <f32>Math.log(sumOfExponentials(x, columns, shift, 0));
    // In this order, for the first difference is exact where it matters: near the largest.
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) {
      const shifted = f32x4.sub(v128.load(x + at), f32x4.splat(shift));
      v128.store(y + at, f32x4.sub(shifted, f32x4.splat(logarithm)));
    }
    for (; at < bytes; at += 4) store<f32>(y + at, load<f32>(x + at) - shift - logarithm);
    x += bytes;
    y += bytes;
  }
}

/** Losses of the rows from … to of logits against class numbers; 0 where the label is `ignore` or no class. */
export function sparseCrossEntropy(
  logits: usize,
  labels: usize,
  losses: usize,
  columns: i32,
  ignore: i32,
  smoothing: f64,
  from: i32,
  to: i32,
): void {
  logits += (<usize>from * columns) << 2;
  for (let row = from; row < to; row++) {
    const label = load<i32>(labels + ((<usize>row) << 2));
    let loss: f64 = 0;
    if (label !== ignore && label >= 0 && label < columns) {
      const shift = largest(logits, columns);
      const chosen = load<f32>(logits + ((<usize>label) << 2));
      const below = <f64>shift - <f64>chosen;
      loss = Math.log(sumOfExponentials(logits, columns, shift, 0)) + below;
      if (smoothing > 0) loss += smoothing * (<f64>shift - sumOf(logits, columns) / columns - below);
    }
    store<f32>(losses + ((<usize>row) << 2), <f32>loss);
    logits += (<usize>columns) << 2;
  }
}

/** Gradient of the logits, rows from … to: the row's g times (softmax − one at the label, smoothed). */
export function sparseCrossEntropyGradient(
  logits: usize,
  labels: usize,
  g: usize,
  y: usize,
  columns: i32,
  ignore: i32,
  smoothing: f64,
  from: i32,
  to: i32,
): void {
  const bytes = (<usize>columns) << 2;
  logits += <usize>from * bytes;
  y += <usize>from * bytes;
  for (let row = from; row < to; row++) {
    const label = load<i32>(labels + ((<usize>row) << 2));
    if (label === ignore || label < 0 || label >= columns) {
      memory.fill(y, 0, bytes);
    } else {
      const slope = load<f32>(g + ((<usize>row) << 2));
      const sum = sumOfExponentials(logits, columns, largest(logits, columns), y);
      scale(y, columns, <f32>(<f64>slope / sum));
      const chosen = y + ((<usize>label) << 2);
      store<f32>(chosen, load<f32>(chosen) - <f32>(<f64>slope * (1 - smoothing)));
      if (smoothing > 0) shiftBy(y, columns, <f32>((<f64>slope * smoothing) / columns));
    }
    logits += bytes;
    y += bytes;
  }
}

function largest(x: usize, count: i32): f32 {
  let left = v128.load32_splat(x);
  let right = left;
  for (; count >= 8; count -= 8) {
    left = f32x4.pmax(left, v128.load(x));
    right = f32x4.pmax(right, v128.load(x, 16));
    x += 32;
  }
  for (; count > 0; count--) {
    left = f32x4.pmax(left, v128.load32_splat(x));
    x += 4;
  }
  left = f32x4.pmax(left, right);
  left = f32x4.pmax(left, v128.shuffle<f32>(left, left, 2, 3, 0, 1));
  left = f32x4.pmax(left, v128.shuffle<f32>(left, left, 1, 0, 3, 2));
  return f32x4.extract_lane(left, 0);
}

/**
 * Σ e^(x − shift), summed in float64 but for pairs, which halves the conversions; the exponentials are kept at `target`
 * unless that is 0.
 */
function sumOfExponentials(x: usize, count: i32, shift: f32, target: usize): f64 {
  const shifts = f32x4.splat(shift);
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (; count >= 8; count -= 8) {
    const left = exponential(f32x4.sub(v128.load(x), shifts));
    const right = exponential(f32x4.sub(v128.load(x, 16), shifts));
    if (target) {
      v128.store(target, left);
      v128.store(target, right, 16);
      target += 32;
    }
    const pairs = f32x4.add(left, right);
    low = f64x2.add(low, f64x2.promote_low_f32x4(pairs));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(pairs, pairs, 2, 3, 2, 3)));
    x += 32;
  }
  low = f64x2.add(low, high);
  let sum = f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1);
  for (; count > 0; count--) {
    const e = f32x4.extract_lane(exponential(f32x4.sub(v128.load32_splat(x), shifts)), 0);
    if (target) {
      store<f32>(target, e);
      target += 4;
    }
    sum += <f64>e;
    x += 4;
  }
  return sum;
}

function shiftBy(x: usize, count: i32, less: f32): void {
  const shifts = f32x4.splat(less);
  for (; count >= 4; count -= 4) {
    v128.store(x, f32x4.sub(v128.load(x), shifts));
    x += 16;
  }
  for (; count > 0; count--) {
    store<f32>(x, load<f32>(x) - less);
    x += 4;
  }
}

function scale(x: usize, count: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (; count >= 4; count -= 4) {
    v128.store(x, f32x4.mul(v128.load(x), factors));
    x += 16;
  }
  for (; count > 0; count--) {
    store<f32>(x, load<f32>(x) * factor);
    x += 4;
  }
}
