import type { CallSpecs, OpDefinition } from '../op/op.ts';
import { describe, elementCount, type TensorSpec } from '../op/spec.ts';

/** What the calls of one op on operands of one shape, in one variant, cost together. */
export interface ProfileRow {
  readonly op: string;
  /** Shapes of the operands and the result: `[5, 7] float32, [7, 3] float32 -> [5, 3] float32`. */
  readonly shapes: string;
  /** The WGSL variant; on the CPU device `simd` or `plain`. */
  readonly variant: string;
  readonly calls: number;
  /** Time that the kernels took, in milliseconds. */
  readonly milliseconds: number;
  /** Floating-point operations, 0 where the op counts none. */
  readonly flops: number;
  /** Bytes that had to be read and written at the least. */
  readonly bytes: number;
}

/** Where the time of some work on a device went. */
export interface Profile {
  /** Whose clock timed the kernels: the GPU's own timestamps, or that of the thread that calls. */
  readonly clock: 'gpu' | 'thread';
  /** From the beginning of the work until the device had done it all: compilation, recording and waiting included. */
  readonly wallMilliseconds: number;
  /** One for each op, shapes and variant, the longest first. */
  readonly rows: readonly ProfileRow[];
}

/** What some work gave, and its profile. */
export interface Profiled<T> {
  readonly result: T;
  readonly profile: Profile;
}

/** Sums over several rows. */
export type ProfileTotals = Pick<ProfileRow, 'calls' | 'milliseconds' | 'flops' | 'bytes'>;

/** A call of an op as it was decided on; several launches of one call share one object. */
export interface CallOrigin {
  readonly op: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly variant: string;
  cost(): { readonly flops: number; readonly bytes: number };
}

export function originOf<A>(definition: OpDefinition<A>, call: CallSpecs<A>, variant: string): CallOrigin {
  const { inputs, outputs } = call;
  return { op: definition.name, inputs, outputs, variant, cost: () => costOf(definition, call) };
}

function costOf<A>(definition: OpDefinition<A>, call: CallSpecs<A>): ReturnType<CallOrigin['cost']> {
  const operands = [...call.inputs, ...call.outputs];
  return {
    flops: definition.flops?.(call) ?? 0,
    bytes: definition.bytes?.(call) ?? operands.reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0),
  };
}

/** Collects the times of calls into a profile. */
export class ProfileCollector {
  readonly #rows = new Map<string, { -readonly [K in keyof ProfileRow]: ProfileRow[K] }>();

  /** Adds time spent on a call. `calls` is 0 for all but one of the parts of a call that is timed in parts. */
  add(origin: CallOrigin, milliseconds: number, calls = 1): void {
    const { op, variant } = origin;
    const shapes = `${describeAll(origin.inputs)} -> ${describeAll(origin.outputs)}`;
    const key = rowKey({ op, variant, shapes });
    let row = this.#rows.get(key);
    if (!row) {
      row = { op, shapes, variant, calls: 0, milliseconds: 0, flops: 0, bytes: 0 };
      this.#rows.set(key, row);
    }
    row.milliseconds += milliseconds;
    if (calls === 0) return;
    const { flops, bytes } = origin.cost();
    row.calls += calls;
    row.flops += calls * flops;
    row.bytes += calls * bytes;
  }

  profile(clock: Profile['clock'], wallMilliseconds: number): Profile {
    return { clock, wallMilliseconds, rows: longestFirst([...this.#rows.values()]) };
  }
}

/** The rows of each op added up, the longest first; shapes and variant are empty where they differ. */
export function profileByOp({ rows }: Profile): ProfileRow[] {
  const ops = new Map<string, ProfileRow>();
  for (const row of rows) {
    const before = ops.get(row.op);
    const same = (field: 'shapes' | 'variant') => (before && before[field] !== row[field] ? '' : row[field]);
    const sums = before ? profileTotals([before, row]) : row;
    ops.set(row.op, { ...row, ...sums, shapes: same('shapes'), variant: same('variant') });
  }
  return longestFirst([...ops.values()]);
}

export function profileTotals(rows: readonly ProfileRow[]): ProfileTotals {
  const sum = (field: keyof ProfileTotals) => rows.reduce((total, row) => total + row[field], 0);
  return {
    calls: sum('calls'),
    milliseconds: sum('milliseconds'),
    flops: sum('flops'),
    bytes: sum('bytes'),
  };
}

/** One profile of several pieces of work on the same device. Throws where there is none. */
export function joinProfiles(profiles: readonly Profile[]): Profile {
  const rows = new Map<string, ProfileRow>();
  for (const row of profiles.flatMap((profile) => profile.rows)) {
    const key = rowKey(row);
    const before = rows.get(key);
    rows.set(key, before ? { ...row, ...profileTotals([before, row]) } : row);
  }
  return {
    clock: profiles[0].clock,
    wallMilliseconds: profiles.reduce((sum, { wallMilliseconds }) => sum + wallMilliseconds, 0),
    rows: longestFirst([...rows.values()]),
  };
}

/** `[3, 4] float32, 20 × [5] int32`. */
function describeAll(specs: readonly TensorSpec[]): string {
  const runs: { text: string; count: number }[] = [];
  for (const text of specs.map(describe)) {
    const last = runs.at(-1);
    if (last?.text === text) last.count++;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => (count > 1 ? `${count} × ${text}` : text)).join(', ');
}

function rowKey({ op, variant, shapes }: Pick<ProfileRow, 'op' | 'variant' | 'shapes'>): string {
  return `${op} ${variant} ${shapes}`;
}

function longestFirst(rows: ProfileRow[]): ProfileRow[] {
  return rows.sort((one, other) => other.milliseconds - one.milliseconds);
}
