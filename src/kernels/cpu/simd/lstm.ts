import { activate, throughActivation } from './activation';

/** h and c′ [batch, units] from z [batch, 4 units] in the order i, f, candidate, o, and c; 4 units or more. */
export function lstmGates(
  z: usize,
  c: usize,
  h: usize,
  next: usize,
  batch: i32,
  units: i32,
  activation: i32,
  recurrentActivation: i32,
): void {
  const bytes = (<usize>units) << 2;
  for (let row = 0; row < batch; row++) {
    for (let unit: usize = 0; unit < bytes; unit += 16) {
      // The last four units are computed together, however many of them are done: no output is an input.
      const at = min(unit, bytes - 16);
      const gates = z + at;
      const i = activate(v128.load(gates), recurrentActivation);
      const f = activate(v128.load(gates + bytes), recurrentActivation);
      const candidate = activate(v128.load(gates + 2 * bytes), activation);
      const o = activate(v128.load(gates + 3 * bytes), recurrentActivation);
      const cell = f32x4.add(f32x4.mul(f, v128.load(c + at)), f32x4.mul(i, candidate));
      v128.store(next + at, cell);
      v128.store(h + at, f32x4.mul(o, activate(cell, activation)));
    }
    z += 4 * bytes;
    c += bytes;
    h += bytes;
    next += bytes;
  }
}

/** Gradients dz and dc, from those of h and c′; the gates are computed again from z. */
export function lstmGatesGradient(
  z: usize,
  c: usize,
  next: usize,
  dh: usize,
  dNext: usize,
  dz: usize,
  dc: usize,
  batch: i32,
  units: i32,
  activation: i32,
  recurrentActivation: i32,
): void {
  const bytes = (<usize>units) << 2;
  for (let row = 0; row < batch; row++) {
    for (let unit: usize = 0; unit < bytes; unit += 16) {
      const at = min(unit, bytes - 16);
      const gates = z + at;
      const i = activate(v128.load(gates), recurrentActivation);
      const f = activate(v128.load(gates + bytes), recurrentActivation);
      const candidate = activate(v128.load(gates + 2 * bytes), activation);
      const o = activate(v128.load(gates + 3 * bytes), recurrentActivation);
      const out = activate(v128.load(next + at), activation);
      const g = v128.load(dh + at);
      const dCell = f32x4.add(v128.load(dNext + at), throughActivation(out, f32x4.mul(g, o), activation));
      const slopes = dz + at;
      const di = f32x4.mul(dCell, candidate);
      const df = f32x4.mul(dCell, v128.load(c + at));
      v128.store(slopes, throughActivation(i, di, recurrentActivation));
      v128.store(slopes + bytes, throughActivation(f, df, recurrentActivation));
      v128.store(slopes + 2 * bytes, throughActivation(candidate, f32x4.mul(dCell, i), activation));
      v128.store(slopes + 3 * bytes, throughActivation(o, f32x4.mul(g, out), recurrentActivation));
      v128.store(dc + at, f32x4.mul(dCell, f));
    }
    z += 4 * bytes;
    c += bytes;
    next += bytes;
    dh += bytes;
    dNext += bytes;
    dz += 4 * bytes;
    dc += bytes;
  }
}
