import { ShapeError, UnsupportedError } from './errors.ts';
import type { OpDefinition, Placement } from './op.ts';
import { describe, type NumericArray, type TensorSpec } from './spec.ts';

/** The placement of an output that has its memory to itself: row after row. */
export function densePlacement({ shape }: TensorSpec): Placement {
  return { stride: shape.at(-1) ?? 1, offset: 0 };
}

/**
 * The placement of an op's output in the channels from `offset` on of the tensor `into`. Throws UnsupportedError for an
 * op that cannot place its output, ShapeError where the output does not lie in `into`.
 */
export function placementIn<A>(
  { name, places }: OpDefinition<A>,
  outputs: readonly TensorSpec[],
  into: TensorSpec,
  offset: number,
): Placement {
  if (!places) {
    throw new UnsupportedError(`${name}: cannot write into a part of a tensor; run it and concat its result`);
  }
  const [{ shape, dtype }] = outputs;
  const rank = shape.length;
  const [columns, stride] = [shape.at(-1) ?? 1, into.shape.at(-1) ?? 1];
  const fits =
    into.dtype === dtype &&
    into.shape.length === rank &&
    shape.every((size, axis) => axis === rank - 1 || size === into.shape[axis]) &&
    Number.isInteger(offset) &&
    offset >= 0 &&
    offset + columns <= stride;
  if (!fits) {
    throw new ShapeError(
      `${name}: its output ${describe(outputs[0])} was to lie in ${describe(into)} from channel ${offset} on; ` +
        'all sizes but the last must be equal, and the last leave room for it',
    );
  }
  return { stride, offset };
}

/** Copies the rows of a dense output to where the placement says. */
export function scatterRows(
  dense: NumericArray,
  target: NumericArray,
  { shape }: TensorSpec,
  { stride, offset }: Placement,
): void {
  const columns = shape.at(-1) ?? 1;
  for (let row = 0; row * columns < dense.length; row++) {
    target.set(dense.subarray(row * columns, (row + 1) * columns), offset + row * stride);
  }
}
