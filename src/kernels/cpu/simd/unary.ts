import { activate, throughActivation } from './activation';
import { exponential } from './exponential';

/** Operations up to this one are the activations, under their numbers. */
const LAST_ACTIVATION: i32 = 4;
const NEGATE: i32 = 5;
const ABS: i32 = 6;
const EXP: i32 = 7;
const SQRT: i32 = 8;
const RECIPROCAL: i32 = 9;

/**
 * y = operation(x) on 4 numbers or more. Here and below the last four are computed together however many of them are
 * done: no output is an input.
 */
export function unary(operation: i32, x: usize, y: usize, count: i32): void {
  const last = ((<usize>count) << 2) - 16;
  for (let at: usize = 0; at < last; at += 16) v128.store(y + at, compute(v128.load(x + at), operation));
  v128.store(y + last, compute(v128.load(x + last), operation));
}

function compute(x: v128, operation: i32): v128 {
  if (operation <= LAST_ACTIVATION) return activate(x, operation);
  if (operation === NEGATE) return f32x4.neg(x);
  if (operation === ABS) return f32x4.abs(x);
  if (operation === EXP) return exponential(x);
  if (operation === SQRT) return f32x4.sqrt(x);
  if (operation === RECIPROCAL) return f32x4.div(f32x4.splat(1), x);
  return f32x4.mul(x, x);
}

/** dx = g times the slope of the activation whose output is y. */
export function activationGradient(activation: i32, y: usize, g: usize, dx: usize, count: i32): void {
  const last = ((<usize>count) << 2) - 16;
  for (let at: usize = 0; at < last; at += 16) {
    v128.store(dx + at, throughActivation(v128.load(y + at), v128.load(g + at), activation));
  }
  v128.store(dx + last, throughActivation(v128.load(y + last), v128.load(g + last), activation));
}
