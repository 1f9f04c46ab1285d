import { firstVector, lastVector } from './units';

/** One update of Adam on 4 parameters or more, in units from … to; `rate` has the bias corrections, `complement…` is 1 − beta. */
export function adam(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  nextP: usize,
  nextM: usize,
  nextV: usize,
  count: i32,
  rate: f32,
  beta1: f32,
  complement1: f32,
  beta2: f32,
  complement2: f32,
  epsilon: f32,
  decay: f32,
  from: i32,
  to: i32,
): void {
  const last = lastVector(count, to);
  for (let element = firstVector(from); element < last + 16; element += 16) {
    // The last four are computed together, however many of them are done: no output is an input.
    const at = min(element, last);
    const slope = v128.load(g + at);
    const mean = f32x4.add(
      f32x4.mul(f32x4.splat(beta1), v128.load(m + at)),
      f32x4.mul(f32x4.splat(complement1), slope),
    );
    const square = f32x4.add(
      f32x4.mul(f32x4.splat(beta2), v128.load(v + at)),
      f32x4.mul(f32x4.mul(f32x4.splat(complement2), slope), slope),
    );
    v128.store(nextM + at, mean);
    v128.store(nextV + at, square);
    const root = f32x4.add(f32x4.sqrt(square), f32x4.splat(epsilon));
    const change = f32x4.div(f32x4.mul(f32x4.splat(rate), mean), root);
    const before = v128.load(p + at);
    const decayed = f32x4.add(change, f32x4.mul(f32x4.splat(decay), before));
    v128.store(nextP + at, f32x4.sub(before, decayed));
  }
}
