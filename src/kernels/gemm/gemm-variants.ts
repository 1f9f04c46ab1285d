import type { AdapterFacts } from '../op/op.ts';
import type { RegisterTile } from './gemm-tiles.ts';

/** A variant that keeps tiles of y in registers. */
export interface RegisterVariant {
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
export const registerVariants: Readonly<Record<string, RegisterVariant>> = {
  'subgroup-16x8': { tile: { rows: 16, vectors: 2 }, shared: true, rowCost: 1 },
  'subgroup-16x4': { tile: { rows: 16, vectors: 1 }, shared: true, rowCost: 1.25 },
  'subgroup-4x8': { tile: { rows: 4, vectors: 2 }, shared: true, rowCost: 1.65 },
  'registers-8x8': { tile: { rows: 8, vectors: 2 }, shared: false, rowCost: 1.75 },
  'registers-4x8': { tile: { rows: 4, vectors: 2 }, shared: false, rowCost: 2.2 },
  'registers-1x8': { tile: { rows: 1, vectors: 2 }, shared: false, rowCost: 4.4 },
};

/** Invocations of a workgroup that computes register tiles of its own, along rows and columns. */
export const REGISTER_GROUP = { rows: 4, columns: 8 };

/** A variant that passes tiles through workgroup memory. */
export interface TiledVariant {
  /** Invocations of a workgroup along rows, and as many along columns. */
  readonly threads: number;
  /** What each computes. */
  readonly tile: RegisterTile;
  /** Workgroups that share the inner dimension of one tile, so that there are enough for all of the GPU. */
  readonly splits: number;
}

/** The large first: they read each element the least often. */
export const tiledVariants: Readonly<Record<string, TiledVariant>> = {
  'tiled-128x128': { threads: 16, tile: { rows: 8, vectors: 2 }, splits: 1 },
  'tiled-64x64': { threads: 16, tile: { rows: 4, vectors: 1 }, splits: 1 },
  'tiled-32x32': { threads: 8, tile: { rows: 4, vectors: 1 }, splits: 1 },
  'tiled-32x32-split-4': { threads: 8, tile: { rows: 4, vectors: 1 }, splits: 4 },
};

/** Steps in depth of a tile in workgroup memory, as in gemm-tiled.wgsl. */
const TILE_DEPTH = 16;

/** Workgroups that keep a GPU busy; chosen by its number of processors (tens), not measured. */
const ENOUGH_WORKGROUPS = 128;

/** A variant that would take this many times as long as the best is none to try. */
const HOPELESS = 2.5;

/** The sizes of a product by which a variant is chosen. */
export interface ProductSize {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly segments: number;
  readonly depth: number;
}

/**
 * The variants that may be the best for the product, the likeliest first. A software adapter has no use for workgroup
 * memory, a hardware GPU none for register tiles unless there is too little to share.
 */
export function gemmVariants(size: ProductSize, adapter: AdapterFacts): readonly string[] {
  const tiled = adapter.cpuLike ? [] : rankTiled(size, adapter);
  const registers = rankRegisters(size, adapter);
  return size.rows >= 16 && size.columns >= 16 ? [...tiled, ...registers] : [...registers, ...tiled];
}

function rankRegisters(size: ProductSize, adapter: AdapterFacts): string[] {
  const ranked = Object.keys(registerVariants)
    .filter((name) => !registerVariants[name].shared || sharesLoads(adapter))
    .map((name) => ({ name, cost: cost(size, name, adapter) }))
    .sort((one, other) => one.cost - other.cost);
  return ranked.filter(({ cost }) => cost <= HOPELESS * ranked[0].cost).map(({ name }) => name);
}

/** Whether gemm-subgroup.wgsl can serve, which wants to know the size of a subgroup, and is written for these two. */
function sharesLoads({ cpuLike, features, subgroupSize }: AdapterFacts): boolean {
  return cpuLike && features.has('subgroups') && (subgroupSize === 4 || subgroupSize === 8);
}

/** Large tiles are the fastest, but waste what they compute past the last row and column. */
function cost({ rows, columns }: ProductSize, name: string, { subgroupSize }: AdapterFacts): number {
  const { tile, shared, rowCost } = registerVariants[name];
  const width = 4 * tile.vectors * (shared ? subgroupSize : 1);
  return Math.ceil(rows / tile.rows) * tile.rows * Math.ceil(columns / width) * width * rowCost;
}

/** The largest tile of which there are enough, then the smaller, then the larger. */
function rankTiled(
  { batches, rows, columns, segments, depth }: ProductSize,
  adapter: AdapterFacts,
): string[] {
  const steps = segments * Math.ceil(depth / TILE_DEPTH);
  const names = Object.keys(tiledVariants).filter((name) => {
    const { threads, tile, splits } = tiledVariants[name];
    const side = threads * tile.rows;
    const bytes = 4 * TILE_DEPTH * (side + 2 + 4 * threads * tile.vectors);
    return (
      threads * threads <= adapter.maxInvocationsPerWorkgroup &&
      bytes <= adapter.maxWorkgroupStorageBytes &&
      steps >= 4 * splits
    );
  });
  const enough = names.findIndex((name) => {
    const { threads, tile, splits } = tiledVariants[name];
    const groups =
      Math.ceil(rows / (threads * tile.rows)) * Math.ceil(columns / (4 * threads * tile.vectors));
    return batches * groups * splits >= ENOUGH_WORKGROUPS;
  });
  const first = enough < 0 ? names.length - 1 : enough;
  return [...names.slice(Math.max(first, 0)), ...names.slice(0, Math.max(first, 0)).reverse()];
}
