// biome-ignore lint/style/useImportType: AssemblyScript has no import of types alone
import { HardSigmoid, Relu, Sigmoid, Tanh } from './activation';
import { exponential } from './exponential';
import { firstVector, lastVector } from './units';

/** Each operation as a class without fields, so that the loop is compiled once for each, free of branches. */
@unmanaged
class Negate {
  apply(x: v128): v128 {
    return f32x4.neg(x);
  }
}

@unmanaged
class Abs {
  apply(x: v128): v128 {
    return f32x4.abs(x);
  }
}

@unmanaged
class Exp {
  /** Infinity and 0 where the exponential stops. */
  apply(x: v128): v128 {
    const finite = v128.bitselect(
      f32x4.splat(Infinity),
      exponential(x),
      f32x4.gt(x, f32x4.splat(<f32>88.72283)),
    );
    return v128.andnot(finite, f32x4.lt(x, f32x4.splat(<f32>-87.3)));
  }
}

@unmanaged
class Sqrt {
  apply(x: v128): v128 {
    return f32x4.sqrt(x);
  }
}

@unmanaged
class Reciprocal {
  apply(x: v128): v128 {
    return f32x4.div(f32x4.splat(1), x);
  }
}

@unmanaged
class Square {
  apply(x: v128): v128 {
    return f32x4.mul(x, x);
  }
}

/** y = operation(x) on 4 numbers or more, in units from … to. The operations are numbered as in unary.ts of the ops. */
export function unary(operation: i32, x: usize, y: usize, count: i32, from: i32, to: i32): void {
  if (operation === 1) compute<Relu>(x, y, count, from, to);
  else if (operation === 2) compute<Sigmoid>(x, y, count, from, to);
  else if (operation === 3) compute<Tanh>(x, y, count, from, to);
  else if (operation === 4) compute<HardSigmoid>(x, y, count, from, to);
  else if (operation === 5) compute<Negate>(x, y, count, from, to);
  else if (operation === 6) compute<Abs>(x, y, count, from, to);
  else if (operation === 7) compute<Exp>(x, y, count, from, to);
  else if (operation === 8) compute<Sqrt>(x, y, count, from, to);
  else if (operation === 9) compute<Reciprocal>(x, y, count, from, to);
  else compute<Square>(x, y, count, from, to);
}

/** The last four are computed together however many of them are done: y is not x. */
function compute<T>(x: usize, y: usize, count: i32, from: i32, to: i32): void {
  const operation = changetype<T>(0);
  const last = lastVector(count, to);
  for (let at = firstVector(from); at < last; at += 16)
    v128.store(y + at, operation.apply(v128.load(x + at)));
  v128.store(y + last, operation.apply(v128.load(x + last)));
}

/**
 * dx = g times the slope of the activation (not the linear one) whose output is y, on 4 numbers or more, in units
 * from … to.
 */
export function activationGradient(
  activation: i32,
  y: usize,
  g: usize,
  dx: usize,
  count: i32,
  from: i32,
  to: i32,
): void {
  if (activation === 1) passThrough<Relu>(y, g, dx, count, from, to);
  else if (activation === 2) passThrough<Sigmoid>(y, g, dx, count, from, to);
  else if (activation === 3) passThrough<Tanh>(y, g, dx, count, from, to);
  else passThrough<HardSigmoid>(y, g, dx, count, from, to);
}

function passThrough<T>(y: usize, g: usize, dx: usize, count: i32, from: i32, to: i32): void {
  const activation = changetype<T>(0);
  const last = lastVector(count, to);
  for (let at = firstVector(from); at < last; at += 16) {
    v128.store(dx + at, activation.through(v128.load(y + at), v128.load(g + at)));
  }
  v128.store(dx + last, activation.through(v128.load(y + last), v128.load(g + last)));
}
