import type { Shader } from '../op/op.ts';

/** A tile of rows × 4·vectors elements of a product, kept in the registers of one invocation. */
export interface RegisterTile {
  readonly rows: number;
  readonly vectors: number;
}

/** What else decides the text of a tile. */
export interface TileOptions {
  /** Whether rows of `a` may start nowhere, which stands for zeros. */
  readonly guarded: boolean;
  /** Invocations of a subgroup that shares what it loads of `a`; 0 where each loads for itself. */
  readonly subgroup: number;
}

const hooks = new Map<string, Shader>();

/**
 * computeTile of gemm.wgsl or, with a subgroup, of gemm-subgroup.wgsl, with the loops over the tile written out where
 * they run often: SwiftShader keeps arrays in memory and does not unroll loops, which makes them 15 times slower. What
 * runs once a tile or once a segment stays a loop: SwiftShader takes a second to compile it written out, a tenth of
 * that as it is.
 */
export function registerTileHook(tile: RegisterTile, options: TileOptions): Shader {
  const { rows, vectors } = tile;
  const shared = options.subgroup > 0 ? `-subgroup-${options.subgroup}` : '';
  const name = `tile-${rows}x${4 * vectors}${shared}${options.guarded ? '-guarded' : ''}`;
  let hook = hooks.get(name);
  if (!hook) {
    const source =
      options.subgroup > 0 ? subgroupTile(tile, options.subgroup) : ownTile(tile, options.guarded);
    hook = { name, source };
    hooks.set(name, hook);
  }
  return hook;
}

function ownTile(tile: RegisterTile, guarded: boolean): string {
  const { rows, vectors } = tile;
  const element = (r: number) =>
    guarded ? `select(a[from${r} + atA], 0.0, start${r} < 0)` : `a[from${r} + atA]`;
  return `fn computeTile(batch: u32, row: u32, vector: u32) {
${rowData(rows, (r) => `row + ${r}`)}
${over(tile.rows * vectors, (index) => `var sum${index} = vec4<f32>();`)}
for (var segment = 0u; segment < params.segments; segment++) {
${segmentStarts(rows)}
${over(rows, (r) => `let from${r} = u32(max(start${r}, 0));`)}
var atA = 0u;
var atB = columnStart(batch, segment, vector);
for (var depth = 0u; depth < params.depth; depth++) {
${over(vectors, (v) => `let b${v} = readB(atB, ${v}u);`)}
${over(rows, (r) => `let a${r} = ${element(r)};`)}
${over(rows, (r) => over(vectors, (v) => `sum${r * vectors + v} += a${r} * b${v};`))}
atA += params.aDepth;
atB += params.bDepth;
}
}
${writeSums(tile)}
}`;
}

/**
 * One load gives `subgroup` steps in depth of four rows; `steps` of them are written out at a time, with all loads
 * before all arithmetic: LLVM sinks a sum below the loads that follow it, and then keeps every product until there.
 * Written out in full, the loop of lavapipe, whose loads are long, would not fit the processor's instruction cache.
 */
function subgroupTile(tile: RegisterTile, subgroup: number): string {
  const { rows, vectors } = tile;
  const sharers = subgroup / 4;
  const steps = subgroup === 4 ? 4 : Math.max(1, 2 / vectors);
  const whole = steps === subgroup;
  const loads = Math.ceil(rows / 4);
  const element = (r: number, step: number) => {
    const elements = `elements${Math.floor(r / 4)}`;
    return whole
      ? `subgroupBroadcast(${elements}[${step}], ${r % 4}u)`
      : `subgroupShuffle(${elements}[(at + ${step}u) % 4u], ${(r % 4) * sharers}u + at / 4u % ${sharers}u)`;
  };
  const arithmetic = over(
    rows,
    (r) => `{
${over(steps, (step) => `let a${step} = ${element(r, step)};`)}
${over(vectors, (v) => over(steps, (step) => `sum${r * vectors + v} += a${step} * b${step}v${v};`))}
}`,
  );
  const someSteps = `${over(
    steps,
    (step) => `${over(vectors, (v) => `let b${step}v${v} = readB(atB, ${v}u);`)}
atB = following(atB, lastB);`,
  )}
${arithmetic}`;
  return `fn computeTile(batch: u32, row: u32, vector: u32, lane: u32) {
let firstDepth = lane % ${sharers}u * 4u;
${rowData(loads, (load) => `row + 4u * ${load} + lane / ${sharers}u`)}
${over(rows * vectors, (index) => `var sum${index} = vec4<f32>();`)}
for (var segment = 0u; segment < params.segments; segment++) {
${segmentStarts(loads)}
var atB = columnStart(batch, segment, vector);
let lastB = atB + (params.depth - 1u) * params.bDepth;
for (var depth = 0u; depth < params.depth; depth += ${subgroup}u) {
${over(loads, (load) => `let elements${load} = elementsOfA(start${load}, depth + firstDepth);`)}
${whole ? someSteps : `let end = min(depth + ${subgroup}u, params.depth);\nfor (var at = depth; at < end; at += ${steps}u) {\n${someSteps}\n}`}
}
}
${writeSums(tile)}
}`;
}

function over(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('\n');
}

function rowData(count: number, row: (index: string) => string): string {
  return `var rowData: array<Row, ${count}>;
for (var r = 0u; r < ${count}u; r++) {
rowData[r] = rowOf(batch, min(${row('r')}, params.rows - 1u));
}`;
}

function segmentStarts(count: number): string {
  return `var starts: array<i32, ${count}>;
for (var r = 0u; r < ${count}u; r++) {
starts[r] = segmentStart(rowData[r], segment);
}
${over(count, (r) => `let start${r} = starts[${r}];`)}`;
}

/** Between bounds unknown to a compiler, which would write the loop out: the stores would take it longer than the rest. */
function writeSums({ rows, vectors }: RegisterTile): string {
  const sums = Array.from({ length: rows * vectors }, (_, index) => `sum${index}`);
  return `var sums = array<vec4<f32>, ${sums.length}>(${sums.join(', ')});
let endRow = min(row + ${rows}u, params.rows);
for (var r = row; r < endRow; r++) {
${over(vectors, (v) => `writeY(batch, r, vector + ${v}u, sums[(r - row) * ${vectors}u + ${v}u]);`)}
}`;
}
