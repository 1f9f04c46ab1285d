import registerSource from '../../../shaders/gemm.wgsl';
import biasSource from '../../../shaders/gemm-bias.wgsl';
import operandsSource from '../../../shaders/gemm-operands.wgsl';
import partsSource from '../../../shaders/gemm-parts.wgsl';
import subgroupSource from '../../../shaders/gemm-subgroup.wgsl';
import sumSource from '../../../shaders/gemm-sum.wgsl';
import tiledSource from '../../../shaders/gemm-tiled.wgsl';
import vectorASource from '../../../shaders/gemm-vector-a.wgsl';
import vectorBSource from '../../../shaders/gemm-vector-b.wgsl';
import vectorYSource from '../../../shaders/gemm-vector-y.wgsl';
import type { AdapterFacts, BindingReference, Launch, Placement, Shader } from '../op/op.ts';
import { type Activation, activationHook } from '../parts/activation.ts';
import { foldGrid, linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { registerTileHook } from './gemm-tiles.ts';
import { REGISTER_GROUP, registerVariants, type TiledVariant, tiledVariants } from './gemm-variants.ts';

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

/** The launches that compute the product in a variant; none where y is empty. */
export function gemmLaunches(
  problem: GemmProblem,
  variant: string,
  { a, b, y, bias }: GemmBindings,
  adapter: AdapterFacts,
): Launch[] {
  const { batches, rows, columns, rowHook } = problem;
  if (batches * rows * columns === 0) return [];
  const kernel = kernelOf(problem, variant, adapter);
  const { splits } = kernel;
  const rowGroups = Math.ceil(rows / kernel.groupRows);
  const columnGroups = Math.ceil(columns / (4 * kernel.groupVectors));
  const uniforms = { ...strides(problem), batches, rows, columns, rowGroups, columnGroups };
  const operands = { name: 'gemm-operands', source: operandsSource };
  const completion = completionHooks(problem, bias !== undefined);
  const reading: Shader[] = [operands];
  if (kernel.vectorA) reading.push({ name: 'gemm-vector-a', source: vectorASource });
  if (vectorB(problem)) reading.push({ name: 'gemm-vector-b', source: vectorBSource });
  const writing = splits > 1 ? [{ name: 'gemm-parts', source: partsSource }] : completion;
  const hooks = [...reading, ...writing];
  if (rowHook) hooks.push(rowHook.shader);
  if (kernel.tileHook) hooks.push(kernel.tileHook);
  const vectors = Math.ceil(columns / 4);
  const parts = { scratch: 0, bytes: 16 * splits * batches * rows * vectors };
  const withBias = (operands: readonly BindingReference[]) => (bias ? [...operands, bias] : operands);
  const product: Launch = {
    shader: kernel.shader,
    hooks,
    constants: { ...kernel.constants, GUARDED: rowHook?.guarded ? 1 : 0 },
    uniforms: { ...uniforms, ...rowHook?.uniforms },
    bindings: splits > 1 ? [a, b, parts] : withBias([a, b, y]),
    grid: foldGrid(rowGroups * columnGroups * batches * splits, adapter),
  };
  if (splits === 1) return [product];
  const sum: Launch = {
    shader: { name: 'gemm-sum', source: sumSource },
    // gemm-operands.wgsl declares `b`, which is bound though nothing here reads it.
    hooks: [operands, { name: 'gemm-vector-a', source: vectorASource }, ...completion],
    constants: { SPLITS: splits },
    uniforms,
    bindings: withBias([parts, b, y]),
    grid: linearGrid(batches * rows * vectors, WORKGROUP_SIZE, adapter),
  };
  return [product, sum];
}

/** How sums become elements of y. */
function completionHooks(problem: GemmProblem, biased: boolean): Shader[] {
  const hooks: Shader[] = [];
  if (vectorY(problem)) hooks.push({ name: 'gemm-vector-y', source: vectorYSource });
  if (biased) hooks.push({ name: 'gemm-bias', source: biasSource });
  if (problem.activation !== 'linear') hooks.push(activationHook(problem.activation));
  return hooks;
}

/** A shader with a loop over the inner dimension, and what a workgroup of it computes. */
interface Kernel {
  readonly shader: Shader;
  readonly constants: Readonly<Record<string, number>>;
  readonly tileHook?: Shader;
  readonly groupRows: number;
  readonly groupVectors: number;
  /** Workgroups that share the inner dimension of one tile. */
  readonly splits: number;
  /** Whether it reads `a` as vectors. */
  readonly vectorA: boolean;
}

function kernelOf(problem: GemmProblem, variant: string, adapter: AdapterFacts): Kernel {
  const tiled = tiledVariants[variant];
  if (tiled) return tiledKernel(problem, tiled);
  const { tile, shared } = registerVariants[variant];
  const constants = { TILE_ROWS: tile.rows, TILE_VECTORS: tile.vectors };
  if (!shared) {
    const guarded = problem.rowHook?.guarded ?? false;
    return {
      shader: { name: 'gemm', source: registerSource },
      constants: { ...constants, GROUP_ROWS: REGISTER_GROUP.rows, GROUP_COLUMNS: REGISTER_GROUP.columns },
      tileHook: registerTileHook(tile, { guarded, subgroup: 0 }),
      groupRows: tile.rows * REGISTER_GROUP.rows,
      groupVectors: tile.vectors * REGISTER_GROUP.columns,
      splits: 1,
      vectorA: false,
    };
  }
  const { subgroupSize } = adapter;
  return {
    shader: { name: 'gemm-subgroup', source: subgroupSource },
    constants: { ...constants, SUBGROUP: subgroupSize, TAIL: problem.depth % subgroupSize === 0 ? 0 : 1 },
    tileHook: registerTileHook(tile, { guarded: false, subgroup: subgroupSize }),
    groupRows: tile.rows,
    groupVectors: tile.vectors * subgroupSize,
    splits: 1,
    vectorA: vectorA(problem),
  };
}

function tiledKernel(problem: GemmProblem, { threads, tile, splits }: TiledVariant): Kernel {
  return {
    shader: { name: 'gemm-tiled', source: tiledSource },
    constants: {
      THREADS: threads,
      THREAD_ROWS: tile.rows,
      THREAD_VECTORS: tile.vectors,
      SPLITS: splits,
    },
    groupRows: threads * tile.rows,
    groupVectors: threads * tile.vectors,
    splits,
    vectorA: vectorA(problem),
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
