import { foldGrid } from './grid.ts';
import type { AdapterFacts } from './op.ts';
import { elementCount, type TensorSpec } from './spec.ts';

/**
 * Kernels that reduce rows have two variants of one shader: `serial` gives a row to one invocation, which wants many
 * rows; `cooperative` gives it to a workgroup whose lanes meet in workgroup memory, which wants long rows read side by
 * side.
 */
export type RowVariant = 'serial' | 'cooperative';

const LANES = 64;

/** Both variants, the preferred first. `contiguous` tells whether neighbours in a row are neighbours in memory. */
export function rowVariants(
  rows: number,
  columns: number,
  adapter: AdapterFacts,
  contiguous = true,
): readonly RowVariant[] {
  const worthwhile = adapter.cpuLike ? fewLongRows(rows, columns) : columns >= LANES / 2;
  return contiguous && worthwhile ? ['cooperative', 'serial'] : ['serial', 'cooperative'];
}

/** The variants for the rows along the last axis. */
export function lastAxisVariants({ shape }: TensorSpec, adapter: AdapterFacts): readonly RowVariant[] {
  const columns = shape[shape.length - 1];
  return rowVariants(elementCount(shape) / columns, columns, adapter);
}

/**
 * Where a software adapter, to which barriers are dear, gains by them: a serial kernel computes up to 64 rows in the
 * time of one, a cooperative one in time for each. Milliseconds of topK, serial and cooperative, on lavapipe and on
 * SwiftShader: 1 × 8736 4.7, 0.26 and 39, 0.80; 8 × 2912 0.93, 0.50 and 12, 3.7; 64 × 2912 1.6, 4.9 and 11, 26;
 * 1 × 128 0.22, 0.23 and 3.3, 1.4; 64 × 128 0.34, 1.9 and 0.48, 14.
 */
function fewLongRows(rows: number, columns: number): boolean {
  return rows <= LANES / 4 && columns >= Math.max(4 * LANES, 2 * LANES * rows);
}

/**
 * The shader's constants and the grid for `rows` rows. Such a shader declares LANES and ROWS, its workgroup is
 * (LANES, ROWS), and its row is `(group.x + group.y * groups.x) * ROWS + local.y`.
 */
export function rowPlan(
  rows: number,
  variant: string,
  adapter: AdapterFacts,
): {
  readonly constants: { readonly LANES: number; readonly ROWS: number };
  readonly grid: readonly [number, number, number];
} {
  const constants = variant === 'serial' ? { LANES: 1, ROWS: LANES } : { LANES, ROWS: 1 };
  return { constants, grid: foldGrid(Math.ceil(rows / constants.ROWS), adapter) };
}
