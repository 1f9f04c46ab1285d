import source from '../../../shaders/row-reduction.wgsl';
import softmaxSum from '../../../shaders/softmax-sum.wgsl';
import type { AdapterFacts, Launch, Shader } from '../op/op.ts';
import { elementCount, type TensorSpec } from '../op/spec.ts';
import { foldGrid } from './grid.ts';

/**
 * Kernels that reduce rows are hooks of row-reduction.wgsl, which gives a row to so many invocations. One (`serial`)
 * wants more rows than the adapter has lanes, or rows of a few elements. A GPU reads long rows with a workgroup. A
 * software adapter runs the invocations of a workgroup as the lanes of a SIMD vector, of 4 (SwiftShader) or 8 (lavapipe).
 */
const lanes = { serial: 1, lanes8: 8, lanes64: 64, lanes256: 256 };

export type RowVariant = keyof typeof lanes;

/** Invocations of a workgroup of the serial variant, and rows. */
const SERIAL_ROWS = 64;

/** Hook of the kernels that need the sum of a row's exponentials relative to its largest element. */
export const softmaxSumHook: Shader = { name: 'softmax-sum', source: softmaxSum };

/** All variants, the preferred first. `contiguous` tells whether neighbours in a row are neighbours in memory. */
export function rowVariants(
  rows: number,
  columns: number,
  adapter: AdapterFacts,
  contiguous = true,
): readonly RowVariant[] {
  const preferred = preferredVariant(rows, columns, adapter, contiguous);
  const others = (Object.keys(lanes) as RowVariant[]).filter((variant) => variant !== preferred);
  return [preferred, ...others];
}

/** The variants for the rows along the last axis. */
export function lastAxisVariants({ shape }: TensorSpec, adapter: AdapterFacts): readonly RowVariant[] {
  const columns = shape[shape.length - 1];
  return rowVariants(elementCount(shape) / columns, columns, adapter);
}

function preferredVariant(
  rows: number,
  columns: number,
  adapter: AdapterFacts,
  contiguous: boolean,
): RowVariant {
  // Neighbouring rows are then neighbours in memory, so invocations of a row each read side by side.
  if (!contiguous && rows >= SERIAL_ROWS) return 'serial';
  if (adapter.cpuLike) {
    // Softmax of 1 × 10,001 takes 0.09 ms instead of 2.2 on a core of lavapipe, 0.3 instead of 18 on SwiftShader; of
    // 64 × 10,001 as long either way, but on all cores. Of 1024 × 64 it takes 2 and 3 times as long as `serial`.
    const few = rows <= lanes.lanes8 || (rows < 8 * SERIAL_ROWS && columns >= 256);
    return few && columns >= lanes.lanes8 ? 'lanes8' : 'serial';
  }
  // Each element of a lane waits for memory: a row of 10,001 is 157 waits for one of 64 lanes, 40 for one of 256.
  if (columns >= 1024) return 'lanes256';
  return columns >= lanes.lanes64 / 2 ? 'lanes64' : 'serial';
}

/** What makes the launch of a kernel on rows its own; its uniforms are `rows` and `columns` besides `uniforms`. */
export interface RowKernel extends Pick<Launch, 'constants' | 'uniforms' | 'bindings'> {
  readonly rows: number;
  readonly columns: number;
  /** Hooks of row-reduction.wgsl. */
  readonly hooks: readonly Shader[];
}

/** The launch of a kernel on rows in one of its variants. */
export function rowLaunch(kernel: RowKernel, variant: string, adapter: AdapterFacts): Launch {
  const { rows, columns, hooks, constants, uniforms, bindings } = kernel;
  const LANES = lanes[variant as RowVariant];
  const ROWS = LANES === 1 ? SERIAL_ROWS : 1;
  return {
    shader: { name: 'row-reduction', source },
    hooks,
    constants: { ...constants, LANES, ROWS },
    uniforms: { rows, columns, ...uniforms },
    ...(bindings && { bindings }),
    grid: foldGrid(Math.ceil(rows / ROWS), adapter),
  };
}
