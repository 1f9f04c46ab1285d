import { foldGrid } from './grid.ts';
import type { AdapterFacts } from './op.ts';

/**
 * Kernels that reduce rows have two variants of one shader: `serial` gives a row to one invocation, which wants many
 * rows or an adapter without use for workgroup memory; `cooperative` gives it to a workgroup whose lanes meet in
 * workgroup memory, which wants long rows read side by side.
 */
export type RowVariant = 'serial' | 'cooperative';

const LANES = 64;

/** Both variants, the preferred first. `contiguous` tells whether neighbours in a row are neighbours in memory. */
export function rowVariants(
  columns: number,
  adapter: AdapterFacts,
  contiguous = true,
): readonly RowVariant[] {
  const cooperate = !adapter.cpuLike && contiguous && columns >= LANES / 2;
  return cooperate ? ['cooperative', 'serial'] : ['serial', 'cooperative'];
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
