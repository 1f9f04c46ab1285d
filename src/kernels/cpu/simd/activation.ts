import { exponential } from './exponential';

/** Codes of the activations, as activation.ts of the kernels numbers them: linear, relu, sigmoid, tanh, hardSigmoid. */
const RELU: i32 = 1;
const SIGMOID: i32 = 2;
const TANH: i32 = 3;
const HARD_SIGMOID: i32 = 4;

/** Applies an activation in place to `rows` rows of `columns` floats, `leading` floats apart. */
export function activateRows(target: usize, leading: i32, rows: i32, columns: i32, activation: i32): void {
  for (let row = 0; row < rows; row++) {
    let address = target;
    let left = columns;
    for (; left >= 4; left -= 4) {
      v128.store(address, activate(v128.load(address), activation));
      address += 16;
    }
    for (; left > 0; left--) {
      store<f32>(address, f32x4.extract_lane(activate(v128.load32_splat(address), activation), 0));
      address += 4;
    }
    target += (<usize>leading) << 2;
  }
}

/** The activation of four numbers. */
export function activate(x: v128, activation: i32): v128 {
  if (activation === RELU) return f32x4.pmax(x, f32x4.splat(0));
  if (activation === SIGMOID) return sigmoid(x);
  if (activation === TANH) return tanh(x);
  if (activation === HARD_SIGMOID) {
    const line = f32x4.add(f32x4.mul(x, f32x4.splat(0.2)), f32x4.splat(0.5));
    return f32x4.pmin(f32x4.pmax(line, f32x4.splat(0)), f32x4.splat(1));
  }
  return x;
}

/** g times the slope of the activation, which is expressed in its output y; 0 at the kinks, whatever g. */
export function throughActivation(y: v128, g: v128, activation: i32): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  if (activation === RELU) return v128.and(g, f32x4.gt(y, zero));
  if (activation === SIGMOID) return f32x4.mul(g, f32x4.mul(y, f32x4.sub(one, y)));
  if (activation === TANH) return f32x4.mul(g, f32x4.sub(one, f32x4.mul(y, y)));
  if (activation === HARD_SIGMOID) {
    const inside = v128.and(f32x4.gt(y, zero), f32x4.lt(y, one));
    return v128.and(f32x4.mul(g, f32x4.splat(0.2)), inside);
  }
  return g;
}

function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exponential(f32x4.neg(x))));
}

/** Odd polynomial below 0.625, where the exponential form would cancel (Cephes tanhf); else 1 − 2/(e^2|x| + 1). */
function tanh(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = f32x4.splat(-5.70498872745e-3);
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(2.06390887954e-2));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-5.37397155531e-2));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.33314422036e-1));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-3.33332819422e-1));
  const small = f32x4.add(x, f32x4.mul(x, f32x4.mul(z, p)));
  const e = exponential(f32x4.add(magnitude, magnitude));
  const large = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(e, f32x4.splat(1))));
  const sign = v128.and(x, i32x4.splat(<i32>0x80000000));
  return v128.bitselect(small, v128.or(large, sign), f32x4.lt(magnitude, f32x4.splat(0.625)));
}
