/**
 * Interleaves four rows of `count` floats: element k of row r goes to target[k · stride + r]. `stride` in bytes; the
 * target of each group of four is 16-byte aligned.
 */
export function interleaveRows(
  target: usize,
  stride: usize,
  r0: usize,
  r1: usize,
  r2: usize,
  r3: usize,
  count: i32,
): void {
  for (; count >= 4; count -= 4) {
    const v0 = v128.load(r0);
    const v1 = v128.load(r1);
    const v2 = v128.load(r2);
    const v3 = v128.load(r3);
    const low01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
    const high23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    v128.store(target, v128.shuffle<f64>(low01, low23, 0, 2));
    v128.store(target + stride, v128.shuffle<f64>(low01, low23, 1, 3));
    v128.store(target + 2 * stride, v128.shuffle<f64>(high01, high23, 0, 2));
    v128.store(target + 3 * stride, v128.shuffle<f64>(high01, high23, 1, 3));
    r0 += 16;
    r1 += 16;
    r2 += 16;
    r3 += 16;
    target += 4 * stride;
  }
  for (; count > 0; count--) {
    store<f32>(target, load<f32>(r0));
    store<f32>(target, load<f32>(r1), 4);
    store<f32>(target, load<f32>(r2), 8);
    store<f32>(target, load<f32>(r3), 12);
    r0 += 4;
    r1 += 4;
    r2 += 4;
    r3 += 4;
    target += stride;
  }
}

/**
 * Copies `count` rows of `width` floats, `rowStride` bytes apart, into rows of `panelWidth` (4 or 8) floats; the
 * missing columns of a narrow panel become zeros.
 */
export function copyPanel(
  target: usize,
  panelWidth: i32,
  source: usize,
  rowStride: usize,
  width: i32,
  count: i32,
): void {
  if (width >= panelWidth) {
    if (panelWidth === 8) {
      for (; count > 0; count--) {
        v128.store(target, v128.load(source));
        v128.store(target, v128.load(source, 16), 16);
        source += rowStride;
        target += 32;
      }
    } else {
      for (; count > 0; count--) {
        v128.store(target, v128.load(source));
        source += rowStride;
        target += 16;
      }
    }
    return;
  }
  for (; count > 0; count--) {
    for (let column = 0; column < panelWidth; column++) {
      const value: f32 = column < width ? load<f32>(source + ((<usize>column) << 2)) : 0;
      store<f32>(target + ((<usize>column) << 2), value);
    }
    source += rowStride;
    target += (<usize>panelWidth) << 2;
  }
}

export function fillZeros(target: usize, count: i32): void {
  memory.fill(target, 0, (<usize>count) << 2);
}
