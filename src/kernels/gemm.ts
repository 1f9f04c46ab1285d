import registerSource from '../../shaders/gemm.wgsl';
import biasSource from '../../shaders/gemm-bias.wgsl';
import operandsSource from '../../shaders/gemm-operands.wgsl';
import tiledSource from '../../shaders/gemm-tiled.wgsl';
import vectorBSource from '../../shaders/gemm-vector-b.wgsl';
import vectorYSource from '../../shaders/gemm-vector-y.wgsl';
import { type Activation, activationHook } from './activation.ts';
import { foldGrid } from './grid.ts';
import type { AdapterFacts, BindingReference, Launch, Placement, Shader } from './op.ts';

/**
 * A product y [batches, rows, columns] as the shaders see it. The inner dimension is `segments` × `depth`; strides
 * are in elements. Where a row of `a` starts in a segment is the affair of `rowHook`; without one there is a single
 * segment, and rows lie `aRow` apart.
 */
export interface GemmProblem {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly segments: number;
  readonly depth: number;
  readonly aBatch: number;
  readonly aRow: number;
  readonly aDepth: number;
  readonly bBatch: number;
  readonly bSegment: number;
  readonly bDepth: number;
  readonly bColumn: number;
  /** Where the rows of y lie, all batches counted through. */
  readonly placement: Placement;
  readonly activation: Activation;
  readonly rowHook?: RowHook;
}

/** How rows of `a` are found where they are not simply a stride apart. */
export interface RowHook {
  readonly shader: Shader;
  readonly uniforms: NonNullable<Launch['uniforms']>;
  /** Whether some rows start nowhere in some segments, which is then taken as zeros. */
  readonly guarded: boolean;
}

/** What is bound as a, b, y and, if there is one, the bias. */
export interface GemmBindings {
  readonly a: BindingReference;
  readonly b: BindingReference;
  readonly y: BindingReference;
  readonly bias?: BindingReference;
}

/** A tile of rows × 4·vectors elements kept in the registers of one invocation. */
interface RegisterTile {
  readonly rows: number;
  readonly vectors: number;
  /** Time for one of its rows, in those of the largest tile. */
  readonly rowCost: number;
}

/**
 * GFLOPS a core at 384³, SwiftShader / lavapipe: 4×4 1.1 / 6.9, 4×8 1.5 / 8.3, 8×8 2.1 / 9.0, 12×8 2.3 / 9.5,
 * 6×16 2.1 / 10. Tiles beyond 8×8 gain a tenth and take SwiftShader twice as long to compile.
 */
const registerTiles: Readonly<Record<string, RegisterTile>> = {
  'registers-8x8': { rows: 8, vectors: 2, rowCost: 1 },
  'registers-4x8': { rows: 4, vectors: 2, rowCost: 1.25 },
  'registers-1x8': { rows: 1, vectors: 2, rowCost: 2.5 },
};

const TILED = 'tiled-64x64';

/** Invocations of a workgroup that computes register tiles, along rows and columns. */
const GROUP = { rows: 4, columns: 8 };

/** The tile of gemm-tiled.wgsl. */
const TILED_ROWS = 64;
const TILED_VECTORS = 16;

/** Every variant that can compute the product, the preferred first. */
export function gemmVariants(problem: GemmProblem, adapter: AdapterFacts): readonly string[] {
  const registers = Object.keys(registerTiles).sort(
    (one, other) => cost(problem, one) - cost(problem, other),
  );
  const tiledFits = adapter.maxInvocationsPerWorkgroup >= 256 && adapter.maxWorkgroupStorageBytes >= 8192;
  if (!tiledFits) return registers;
  const tiledFirst = !adapter.cpuLike && problem.rows >= 16 && problem.columns >= 16;
  return tiledFirst ? [TILED, ...registers] : [...registers, TILED];
}

/** Large tiles are the fastest, but waste what they compute past the last row. */
function cost(problem: GemmProblem, variant: string): number {
  const { rows, rowCost } = registerTiles[variant];
  return Math.ceil(problem.rows / rows) * rows * rowCost;
}

/** The launch that computes the product in a variant; none where y is empty. */
export function gemmLaunches(
  problem: GemmProblem,
  variant: string,
  { a, b, y, bias }: GemmBindings,
  adapter: AdapterFacts,
): Launch[] {
  const { batches, rows, columns, rowHook } = problem;
  if (batches * rows * columns === 0) return [];
  const tile = registerTiles[variant];
  const vectors = Math.ceil(columns / 4);
  const rowGroups = Math.ceil(rows / (tile ? tile.rows * GROUP.rows : TILED_ROWS));
  const columnGroups = Math.ceil(vectors / (tile ? tile.vectors * GROUP.columns : TILED_VECTORS));
  const hooks: Shader[] = [{ name: 'gemm-operands', source: operandsSource }];
  if (vectorB(problem)) hooks.push({ name: 'gemm-vector-b', source: vectorBSource });
  if (vectorY(problem)) hooks.push({ name: 'gemm-vector-y', source: vectorYSource });
  if (bias) hooks.push({ name: 'gemm-bias', source: biasSource });
  if (problem.activation !== 'linear') hooks.push(activationHook(problem.activation));
  if (rowHook) hooks.push(rowHook.shader);
  const guarded = rowHook?.guarded ?? false;
  if (tile) hooks.push(registerTileHook(variant, guarded));
  return [
    {
      shader: tile ? { name: 'gemm', source: registerSource } : { name: 'gemm-tiled', source: tiledSource },
      hooks,
      constants: tile
        ? {
            GROUP_ROWS: GROUP.rows,
            GROUP_COLUMNS: GROUP.columns,
            TILE_ROWS: tile.rows,
            TILE_VECTORS: tile.vectors,
            GUARDED: guarded ? 1 : 0,
          }
        : { GUARDED: guarded ? 1 : 0 },
      uniforms: {
        ...strides(problem),
        batches,
        rows,
        columns,
        rowGroups,
        columnGroups,
        ...rowHook?.uniforms,
      },
      bindings: bias ? [a, b, y, bias] : [a, b, y],
      grid: foldGrid(rowGroups * columnGroups * batches, adapter),
    },
  ];
}

/** Whether `b` can be read as vectors of four columns. */
function vectorB({ columns, bBatch, bSegment, bDepth, bColumn }: GemmProblem): boolean {
  return bColumn === 1 && [columns, bBatch, bSegment, bDepth].every((stride) => stride % 4 === 0);
}

/** Whether `y` can be written as vectors of four columns. */
function vectorY({ columns, placement: { stride, offset } }: GemmProblem): boolean {
  return [columns, stride, offset].every((size) => size % 4 === 0);
}

function strides(problem: GemmProblem) {
  const { segments, depth, aBatch, aRow, aDepth, bBatch, bSegment, bDepth, bColumn } = problem;
  const { stride, offset } = problem.placement;
  const yBatch = problem.rows * stride;
  return {
    segments,
    depth,
    aBatch,
    aRow,
    aDepth,
    bBatch,
    bSegment,
    bDepth,
    bColumn,
    yBatch,
    yRow: stride,
    yOffset: offset,
  };
}

const tileHooks = new Map<string, Shader>();

/**
 * computeTile of gemm.wgsl with the loops over the tile written out where they run often. What runs once a tile or once
 * a segment stays a loop: SwiftShader takes a second to compile it written out, a tenth of that as it is.
 */
function registerTileHook(variant: string, guarded: boolean): Shader {
  const name = guarded ? `${variant}-guarded` : variant;
  let hook = tileHooks.get(name);
  if (!hook) {
    hook = { name, source: computeTile(registerTiles[variant], guarded) };
    tileHooks.set(name, hook);
  }
  return hook;
}

function computeTile({ rows, vectors }: RegisterTile, guarded: boolean): string {
  const over = (count: number, line: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => line(index)).join('\n');
  const sums = Array.from({ length: rows * vectors }, (_, index) => `sum${index}`);
  const element = (r: number) =>
    guarded ? `select(a[from${r} + atA], 0.0, start${r} < 0)` : `a[from${r} + atA]`;
  return `fn computeTile(batch: u32, row: u32, vector: u32) {
var rowData: array<Row, ${rows}>;
for (var r = 0u; r < ${rows}u; r++) {
rowData[r] = rowOf(batch, min(row + r, params.rows - 1u));
}
${sums.map((sum) => `var ${sum} = vec4<f32>();`).join('\n')}
for (var segment = 0u; segment < params.segments; segment++) {
var starts: array<i32, ${rows}>;
for (var r = 0u; r < ${rows}u; r++) {
starts[r] = segmentStart(rowData[r], segment);
}
${over(rows, (r) => `let start${r} = starts[${r}]; let from${r} = u32(max(start${r}, 0));`)}
var atA = 0u;
var atB = columnStart(batch, segment, vector);
for (var depth = 0u; depth < params.depth; depth++) {
${over(vectors, (v) => `let b${v} = readB(atB, ${v}u);`)}
${over(rows, (r) => `let a${r} = ${element(r)};`)}
${over(rows, (r) => over(vectors, (v) => `${sums[r * vectors + v]} += a${r} * b${v};`))}
atA += params.aDepth;
atB += params.bDepth;
}
}
var sums = array<vec4<f32>, ${sums.length}>(${sums.join(', ')});
for (var index = 0u; index < ${sums.length}u; index++) {
writeY(batch, row + index / ${vectors}u, vector + index % ${vectors}u, sums[index]);
}
}`;
}
