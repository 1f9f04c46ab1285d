import { activate, throughActivation } from './activation';
import { exponential } from './exponential';

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
  apply(x: v128): v128 {
    return exponential(x);
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

@unmanaged
class Relu {
  apply(x: v128): v128 {
    return activate(x, 1);
  }
}

@unmanaged
class Sigmoid {
  apply(x: v128): v128 {
    return activate(x, 2);
  }
}

@unmanaged
class Tanh {
  apply(x: v128): v128 {
    return activate(x, 3);
  }
}

@unmanaged
class HardSigmoid {
  apply(x: v128): v128 {
    return activate(x, 4);
  }
}

/** y = operation(x) on 4 numbers or more. The operations are numbered as in unary.ts of the ops. */
export function unary(operation: i32, x: usize, y: usize, count: i32): void {
  if (operation === 1) compute<Relu>(x, y, count);
  else if (operation === 2) compute<Sigmoid>(x, y, count);
  else if (operation === 3) compute<Tanh>(x, y, count);
  else if (operation === 4) compute<HardSigmoid>(x, y, count);
  else if (operation === 5) compute<Negate>(x, y, count);
  else if (operation === 6) compute<Abs>(x, y, count);
  else if (operation === 7) compute<Exp>(x, y, count);
  else if (operation === 8) compute<Sqrt>(x, y, count);
  else if (operation === 9) compute<Reciprocal>(x, y, count);
  else compute<Square>(x, y, count);
}

/** The last four are computed together however many of them are done: y is not x. */
function compute<T>(x: usize, y: usize, count: i32): void {
  const operation = changetype<T>(0);
  const last = ((<usize>count) << 2) - 16;
  for (let at: usize = 0; at < last; at += 16) v128.store(y + at, operation.apply(v128.load(x + at)));
  v128.store(y + last, operation.apply(v128.load(x + last)));
}

/** dx = g times the slope of the activation whose output is y, on 4 numbers or more. */
export function activationGradient(activation: i32, y: usize, g: usize, dx: usize, count: i32): void {
  const last = ((<usize>count) << 2) - 16;
  for (let at: usize = 0; at < last; at += 16) {
    v128.store(dx + at, throughActivation(v128.load(y + at), v128.load(g + at), activation));
  }
  v128.store(dx + last, throughActivation(v128.load(y + last), v128.load(g + last), activation));
}
