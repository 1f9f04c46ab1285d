import registerSource from '../../shaders/gemm.wgsl';
import biasSource from '../../shaders/gemm-bias.wgsl';
import operandsSource from '../../shaders/gemm-operands.wgsl';
import subgroupSource from '../../shaders/gemm-subgroup.wgsl';
import tiledSource from '../../shaders/gemm-tiled.wgsl';
import vectorASource from '../../shaders/gemm-vector-a.wgsl';
import vectorBSource from '../../shaders/gemm-vector-b.wgsl';
import vectorYSource from '../../shaders/gemm-vector-y.wgsl';
import { type Activation, activationHook } from './activation.ts';
import { type RegisterTile, registerTileHook } from './gemm-tiles.ts';
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
  /** What every start is a multiple of, in elements. */
  readonly startUnit: number;
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

/** A variant that keeps tiles of y in registers. */
interface RegisterVariant {
  readonly tile: RegisterTile;
  /** Whether a subgroup shares what it loads of `a`. */
  readonly shared: boolean;
  /** Time for a row of it, in those of the fastest. */
  readonly rowCost: number;
}

/**
 * GFLOPS a core over the convolutions of InceptionV3, SwiftShader / lavapipe: each invocation for itself 8×8 1.0 / 6.3;
 * sharing in subgroups 4×8 1.1 / 6.6, 16×4 1.3 / 10, 16×8 1.8 / 11. 24×8 gains a tenth on SwiftShader alone, and twice
 * the time to compile.
 */
const registerVariants: Readonly<Record<string, RegisterVariant>> = {
  'subgroup-16x8': { tile: { rows: 16, vectors: 2 }, shared: true, rowCost: 1 },
  'subgroup-16x4': { tile: { rows: 16, vectors: 1 }, shared: true, rowCost: 1.25 },
  'subgroup-4x8': { tile: { rows: 4, vectors: 2 }, shared: true, rowCost: 1.65 },
  'registers-8x8': { tile: { rows: 8, vectors: 2 }, shared: false, rowCost: 1.75 },
  'registers-4x8': { tile: { rows: 4, vectors: 2 }, shared: false, rowCost: 2.2 },
  'registers-1x8': { tile: { rows: 1, vectors: 2 }, shared: false, rowCost: 4.4 },
};

const TILED = 'tiled-64x64';

/** Invocations of a workgroup that computes register tiles, along rows and columns. */
const GROUP = { rows: 4, columns: 8 };

/** The tile of gemm-tiled.wgsl. */
const TILED_ROWS = 64;
const TILED_VECTORS = 16;

/** A variant that would take this many times as long as the best is none to try. */
const HOPELESS = 2.5;

/** The variants that may be the best for the product, the likeliest first. */
export function gemmVariants(problem: GemmProblem, adapter: AdapterFacts): readonly string[] {
  const ranked = Object.keys(registerVariants)
    .filter((name) => !registerVariants[name].shared || sharesLoads(adapter))
    .map((name) => ({ name, cost: cost(problem, name, adapter) }))
    .sort((one, other) => one.cost - other.cost);
  const registers = ranked.filter(({ cost }) => cost <= HOPELESS * ranked[0].cost).map(({ name }) => name);
  const tiledFits = adapter.maxInvocationsPerWorkgroup >= 256 && adapter.maxWorkgroupStorageBytes >= 8192;
  if (!tiledFits) return registers;
  const tiledFirst = !adapter.cpuLike && problem.rows >= 16 && problem.columns >= 16;
  return tiledFirst ? [TILED, ...registers] : [...registers, TILED];
}

/** Whether gemm-subgroup.wgsl can serve, which wants to know the size of a subgroup, and is written for these two. */
function sharesLoads({ cpuLike, features, subgroupSize }: AdapterFacts): boolean {
  return cpuLike && features.has('subgroups') && (subgroupSize === 4 || subgroupSize === 8);
}

/** Large tiles are the fastest, but waste what they compute past the last row and column. */
function cost({ rows, columns }: GemmProblem, name: string, { subgroupSize }: AdapterFacts): number {
  const { tile, shared, rowCost } = registerVariants[name];
  const width = 4 * tile.vectors * (shared ? subgroupSize : 1);
  return Math.ceil(rows / tile.rows) * tile.rows * Math.ceil(columns / width) * width * rowCost;
}

/** The launch that computes the product in a variant; none where y is empty. */
export function gemmLaunches(
  problem: GemmProblem,
  variant: string,
  { a, b, y, bias }: GemmBindings,
  adapter: AdapterFacts,
): Launch[] {
  const { batches, rows, columns, activation, rowHook } = problem;
  if (batches * rows * columns === 0) return [];
  const kernel = kernelOf(problem, variant, adapter);
  const rowGroups = Math.ceil(rows / kernel.groupRows);
  const columnGroups = Math.ceil(columns / (4 * kernel.groupVectors));
  const hooks: Shader[] = [{ name: 'gemm-operands', source: operandsSource }];
  if (kernel.vectorA) hooks.push({ name: 'gemm-vector-a', source: vectorASource });
  if (vectorB(problem)) hooks.push({ name: 'gemm-vector-b', source: vectorBSource });
  if (vectorY(problem)) hooks.push({ name: 'gemm-vector-y', source: vectorYSource });
  if (bias) hooks.push({ name: 'gemm-bias', source: biasSource });
  if (activation !== 'linear') hooks.push(activationHook(activation));
  if (rowHook) hooks.push(rowHook.shader);
  if (kernel.tileHook) hooks.push(kernel.tileHook);
  return [
    {
      shader: kernel.shader,
      hooks,
      constants: { ...kernel.constants, GUARDED: rowHook?.guarded ? 1 : 0 },
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

/** A shader with a loop over the inner dimension, and what a workgroup of it computes. */
interface Kernel {
  readonly shader: Shader;
  readonly constants: Readonly<Record<string, number>>;
  readonly tileHook?: Shader;
  readonly groupRows: number;
  readonly groupVectors: number;
  /** Whether it reads `a` as vectors. */
  readonly vectorA: boolean;
}

function kernelOf(problem: GemmProblem, variant: string, { subgroupSize }: AdapterFacts): Kernel {
  if (variant === TILED) {
    const shader = { name: 'gemm-tiled', source: tiledSource };
    return { shader, constants: {}, groupRows: TILED_ROWS, groupVectors: TILED_VECTORS, vectorA: false };
  }
  const { tile, shared } = registerVariants[variant];
  const constants = { TILE_ROWS: tile.rows, TILE_VECTORS: tile.vectors };
  const guarded = problem.rowHook?.guarded ?? false;
  if (shared) {
    return {
      shader: { name: 'gemm-subgroup', source: subgroupSource },
      constants: { ...constants, SUBGROUP: subgroupSize, TAIL: problem.depth % subgroupSize === 0 ? 0 : 1 },
      tileHook: registerTileHook(tile, { guarded: false, subgroup: subgroupSize }),
      groupRows: tile.rows,
      groupVectors: tile.vectors * subgroupSize,
      vectorA: vectorA(problem),
    };
  }
  return {
    shader: { name: 'gemm', source: registerSource },
    constants: { ...constants, GROUP_ROWS: GROUP.rows, GROUP_COLUMNS: GROUP.columns },
    tileHook: registerTileHook(tile, { guarded, subgroup: 0 }),
    groupRows: tile.rows * GROUP.rows,
    groupVectors: tile.vectors * GROUP.columns,
    vectorA: false,
  };
}

/** Whether four elements of a row of `a` that follow each other in depth can be read as a vector. */
function vectorA({ depth, aBatch, aRow, aDepth, rowHook }: GemmProblem): boolean {
  const starts = rowHook ? [rowHook.startUnit] : [aBatch, aRow];
  return aDepth === 1 && [depth, ...starts].every((size) => size % 4 === 0);
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
