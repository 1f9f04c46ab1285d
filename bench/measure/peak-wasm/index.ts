// AssemblyScript. What a processor's core can do at most through WebAssembly: multiply-adds in registers, and a copy.
// Compiled twice, with relaxed SIMD (where one instruction multiplies and adds) and without.

function step(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * Eight chains that do not wait for each other, four lanes each: 64 floating-point operations a step. The factors are
 * parameters, so that nothing can be folded; 0.5 and 0.5 keep the numbers near 1.
 */
export function multiplyAdd(steps: i32, factor: f32, addend: f32): f32 {
  const b = f32x4.splat(factor);
  const c = f32x4.splat(addend);
  let x0 = f32x4.splat(1);
  let x1 = f32x4.splat(2);
  let x2 = f32x4.splat(3);
  let x3 = f32x4.splat(4);
  let x4 = f32x4.splat(5);
  let x5 = f32x4.splat(6);
  let x6 = f32x4.splat(7);
  let x7 = f32x4.splat(8);
  for (let i = 0; i < steps; i++) {
    x0 = step(x0, b, c);
    x1 = step(x1, b, c);
    x2 = step(x2, b, c);
    x3 = step(x3, b, c);
    x4 = step(x4, b, c);
    x5 = step(x5, b, c);
    x6 = step(x6, b, c);
    x7 = step(x7, b, c);
  }
  const low = f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3));
  const high = f32x4.add(f32x4.add(x4, x5), f32x4.add(x6, x7));
  return f32x4.extract_lane(f32x4.add(low, high), 0);
}

/** Makes room for two arrays of so many bytes. */
export function reserve(bytes: i32): void {
  const wanted = 1 + ((2 * bytes) >>> 16);
  const missing = wanted - memory.size();
  if (missing > 0) memory.grow(missing);
}

/** Copies the first array onto the second. */
export function copy(bytes: i32): void {
  memory.copy(bytes, 0, bytes);
}
