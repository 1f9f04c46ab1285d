import { exponential, exponentialMinusOne } from './exponential';
import { UnaryOperation } from './operations';

/** Each activation as a class without fields, so that a loop over it is compiled once for each, free of branches. */
@unmanaged
export class Relu {
  apply(x: v128): v128 {
    return f32x4.pmax(x, f32x4.splat(0));
  }

  /** g times the slope, which is expressed in the output y. */
  through(y: v128, g: v128): v128 {
    return v128.and(g, f32x4.gt(y, f32x4.splat(0)));
  }
}

@unmanaged
export class Sigmoid {
  apply(x: v128): v128 {
    const one = f32x4.splat(1);
    return f32x4.div(one, f32x4.add(one, exponential(f32x4.neg(x))));
  }

  through(y: v128, g: v128): v128 {
    return f32x4.mul(g, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)));
  }
}

@unmanaged
export class Tanh {
  /** E / (E + 2) with E = e^2x − 1. */
  apply(x: v128): v128 {
    const e = exponentialMinusOne(f32x4.add(x, x));
    return f32x4.div(e, f32x4.add(e, f32x4.splat(2)));
  }

  through(y: v128, g: v128): v128 {
    return f32x4.mul(g, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
  }
}

@unmanaged
export class HardSigmoid {
  apply(x: v128): v128 {
    const line = f32x4.add(f32x4.mul(x, f32x4.splat(0.2)), f32x4.splat(0.5));
    return f32x4.pmin(f32x4.pmax(line, f32x4.splat(0)), f32x4.splat(1));
  }

  through(y: v128, g: v128): v128 {
    const inside = v128.and(f32x4.gt(y, f32x4.splat(0)), f32x4.lt(y, f32x4.splat(1)));
    return v128.and(f32x4.mul(g, f32x4.splat(0.2)), inside);
  }
}

/** Applies an activation in place to `rows` rows of `columns` floats, `leading` floats apart. */
export function activateRows(target: usize, leading: i32, rows: i32, columns: i32, activation: i32): void {
  for (let row = 0; row < rows; row++) {
    if (activation === UnaryOperation.relu) activateRow<Relu>(target, columns);
    else if (activation === UnaryOperation.sigmoid) activateRow<Sigmoid>(target, columns);
    else if (activation === UnaryOperation.tanh) activateRow<Tanh>(target, columns);
    else if (activation === UnaryOperation.hardSigmoid) activateRow<HardSigmoid>(target, columns);
    else if (activation !== UnaryOperation.linear) unreachable();
    target += (<usize>leading) << 2;
  }
}

function activateRow<T>(target: usize, count: i32): void {
  const activation = changetype<T>(0);
  for (; count >= 4; count -= 4) {
    v128.store(target, activation.apply(v128.load(target)));
    target += 16;
  }
  for (; count > 0; count--) {
    store<f32>(target, f32x4.extract_lane(activation.apply(v128.load32_splat(target)), 0));
    target += 4;
  }
}
