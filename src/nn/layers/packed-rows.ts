import { execute, executeAll, filled, type Tensor } from '../../tensor/tensor.ts';

/**
 * Sentences of different length lie packed and time-major: rows [R, …] of which step t has `active[t]`, falling. These
 * cut them into steps and put them together, in gradients that are written by hand.
 */
export function stepsOf(rows: Tensor, active: readonly number[]): Tensor[] {
  return executeAll('split', [rows], { axis: 0, sizes: active });
}

/** Rows of zeros added below, up to `count`. */
export function moreRows(x: Tensor, count: number): Tensor {
  const missing = count - x.shape[0];
  if (missing === 0) return x;
  return execute('pad', [x], {
    paddings: [[0, missing], ...x.shape.slice(1).map(() => [0, 0] as const)],
    value: 0,
  });
}

export function zerosLike(x: Tensor): Tensor {
  return filled(x.device, x.shape, 0, x.dtype);
}

/** The sum of what is known so far, of rows that ran longer, and of what a step adds for its own. */
export function addRows(known: Tensor | null, x: Tensor): Tensor {
  return known ? x.add(moreRows(known, x.shape[0])) : x;
}
