// biome-ignore lint/style/useImportType: AssemblyScript has no import of types alone
import { HardSigmoid, Relu, Sigmoid, Tanh } from './activation';
import { exponential } from './exponential';
import { UnaryOperation, UnarySlope } from './operations';
import { firstVector, lastVector } from './units';

/**
 * Each operation as a class without fields, so that the loop is compiled once for each, free of branches. `through` is g
 * times the slope, in terms of the operand x or the result y.
 */
@unmanaged
class Negate {
  apply(x: v128): v128 {
    return f32x4.neg(x);
  }

  through(_y: v128, g: v128): v128 {
    return f32x4.neg(g);
  }
}

@unmanaged
class Abs {
  apply(x: v128): v128 {
    return f32x4.abs(x);
  }

  through(x: v128, g: v128): v128 {
    const sign = v128.and(x, i32x4.splat(0x80000000));
    return v128.and(v128.xor(g, sign), f32x4.ne(x, f32x4.splat(0)));
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

  through(y: v128, g: v128): v128 {
    return f32x4.mul(g, y);
  }
}

@unmanaged
class Log {
  through(x: v128, g: v128): v128 {
    return f32x4.div(g, x);
  }
}

@unmanaged
class Sqrt {
  apply(x: v128): v128 {
    return f32x4.sqrt(x);
  }

  through(y: v128, g: v128): v128 {
    return f32x4.div(f32x4.mul(g, f32x4.splat(0.5)), y);
  }
}

@unmanaged
class Reciprocal {
  apply(x: v128): v128 {
    return f32x4.div(f32x4.splat(1), x);
  }

  through(y: v128, g: v128): v128 {
    return f32x4.neg(f32x4.mul(g, f32x4.mul(y, y)));
  }
}

@unmanaged
class Square {
  apply(x: v128): v128 {
    return f32x4.mul(x, x);
  }

  through(x: v128, g: v128): v128 {
    return f32x4.mul(f32x4.mul(g, f32x4.splat(2)), x);
  }
}

/** y = operation(x) on 4 numbers or more, in units from … to. */
export function unary(operation: i32, x: usize, y: usize, count: i32, from: i32, to: i32): void {
  if (operation === UnaryOperation.relu) compute<Relu>(x, y, count, from, to);
  else if (operation === UnaryOperation.sigmoid) compute<Sigmoid>(x, y, count, from, to);
  else if (operation === UnaryOperation.tanh) compute<Tanh>(x, y, count, from, to);
  else if (operation === UnaryOperation.hardSigmoid) compute<HardSigmoid>(x, y, count, from, to);
  else if (operation === UnaryOperation.negate) compute<Negate>(x, y, count, from, to);
  else if (operation === UnaryOperation.abs) compute<Abs>(x, y, count, from, to);
  else if (operation === UnaryOperation.exp) compute<Exp>(x, y, count, from, to);
  else if (operation === UnaryOperation.sqrt) compute<Sqrt>(x, y, count, from, to);
  else if (operation === UnaryOperation.reciprocal) compute<Reciprocal>(x, y, count, from, to);
  else if (operation === UnaryOperation.square) compute<Square>(x, y, count, from, to);
  else unreachable();
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
 * dx = g times the slope of the operation, from its operand or result as its class says, on 4 numbers or more, in units
 * from … to.
 */
export function unaryGradient(
  operation: i32,
  operand: usize,
  g: usize,
  dx: usize,
  count: i32,
  from: i32,
  to: i32,
): void {
  if (operation === UnarySlope.relu) passThrough<Relu>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.sigmoid) passThrough<Sigmoid>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.tanh) passThrough<Tanh>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.hardSigmoid) passThrough<HardSigmoid>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.negate) passThrough<Negate>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.abs) passThrough<Abs>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.exp) passThrough<Exp>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.log) passThrough<Log>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.sqrt) passThrough<Sqrt>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.reciprocal) passThrough<Reciprocal>(operand, g, dx, count, from, to);
  else if (operation === UnarySlope.square) passThrough<Square>(operand, g, dx, count, from, to);
  else unreachable();
}

function passThrough<T>(operand: usize, g: usize, dx: usize, count: i32, from: i32, to: i32): void {
  const operation = changetype<T>(0);
  const last = lastVector(count, to);
  for (let at = firstVector(from); at < last; at += 16) {
    v128.store(dx + at, operation.through(v128.load(operand + at), v128.load(g + at)));
  }
  v128.store(dx + last, operation.through(v128.load(operand + last), v128.load(g + last)));
}
