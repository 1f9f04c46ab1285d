// biome-ignore lint/style/useImportType: AssemblyScript has no import of types alone
import { HardSigmoid, Sigmoid, Tanh } from './activation';

/**
 * Rows from … to of h and c′ [batch, units], from z [batch, 4 units] in the order i, f, candidate, o, and c; for 4 units or more, tanh, and
 * sigmoid or hard sigmoid gates.
 */
export function lstmGates(
  z: usize,
  c: usize,
  h: usize,
  next: usize,
  units: i32,
  hard: boolean,
  from: i32,
  to: i32,
): void {
  const state = (<usize>from * units) << 2;
  z += 4 * state;
  c += state;
  h += state;
  next += state;
  if (hard) gates<HardSigmoid>(z, c, h, next, units, to - from);
  else gates<Sigmoid>(z, c, h, next, units, to - from);
}

function gates<Gate>(z: usize, c: usize, h: usize, next: usize, units: i32, rows: i32): void {
  const gate = changetype<Gate>(0);
  const tanh = changetype<Tanh>(0);
  const bytes = (<usize>units) << 2;
  for (let row = 0; row < rows; row++) {
    for (let unit: usize = 0; unit < bytes; unit += 16) {
      // The last four units are computed together, however many of them are done: no output is an input.
      const at = min(unit, bytes - 16);
      const gates = z + at;
      const i = gate.apply(v128.load(gates));
      const f = gate.apply(v128.load(gates + bytes));
      const candidate = tanh.apply(v128.load(gates + 2 * bytes));
      const o = gate.apply(v128.load(gates + 3 * bytes));
      const cell = f32x4.add(f32x4.mul(f, v128.load(c + at)), f32x4.mul(i, candidate));
      v128.store(next + at, cell);
      v128.store(h + at, f32x4.mul(o, tanh.apply(cell)));
    }
    z += 4 * bytes;
    c += bytes;
    h += bytes;
    next += bytes;
  }
}

/** Rows from … to of the gradients dz and dc, from those of h and c′; the gates are computed again from z. */
export function lstmGatesGradient(
  z: usize,
  c: usize,
  next: usize,
  dh: usize,
  dNext: usize,
  dz: usize,
  dc: usize,
  units: i32,
  hard: boolean,
  from: i32,
  to: i32,
): void {
  const state = (<usize>from * units) << 2;
  z += 4 * state;
  c += state;
  next += state;
  dh += state;
  dNext += state;
  dz += 4 * state;
  dc += state;
  if (hard) gatesGradient<HardSigmoid>(z, c, next, dh, dNext, dz, dc, units, to - from);
  else gatesGradient<Sigmoid>(z, c, next, dh, dNext, dz, dc, units, to - from);
}

function gatesGradient<Gate>(
  z: usize,
  c: usize,
  next: usize,
  dh: usize,
  dNext: usize,
  dz: usize,
  dc: usize,
  units: i32,
  rows: i32,
): void {
  const gate = changetype<Gate>(0);
  const tanh = changetype<Tanh>(0);
  const bytes = (<usize>units) << 2;
  for (let row = 0; row < rows; row++) {
    for (let unit: usize = 0; unit < bytes; unit += 16) {
      const at = min(unit, bytes - 16);
      const gates = z + at;
      const i = gate.apply(v128.load(gates));
      const f = gate.apply(v128.load(gates + bytes));
      const candidate = tanh.apply(v128.load(gates + 2 * bytes));
      const o = gate.apply(v128.load(gates + 3 * bytes));
      const out = tanh.apply(v128.load(next + at));
      const g = v128.load(dh + at);
      const dCell = f32x4.add(v128.load(dNext + at), tanh.through(out, f32x4.mul(g, o)));
      const slopes = dz + at;
      const di = f32x4.mul(dCell, candidate);
      const df = f32x4.mul(dCell, v128.load(c + at));
      v128.store(slopes, gate.through(i, di));
      v128.store(slopes + bytes, gate.through(f, df));
      v128.store(slopes + 2 * bytes, tanh.through(candidate, f32x4.mul(dCell, i)));
      v128.store(slopes + 3 * bytes, gate.through(o, f32x4.mul(g, out)));
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
