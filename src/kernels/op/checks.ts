import { DTypeError, ShapeError } from './errors.ts';
import { type DType, describe, elementCount, type Shape, sameShape, type TensorSpec } from './spec.ts';

/** Throws ShapeError unless `shape` is one, of whole numbers from 0, and holds `count` elements. */
export function checkElements(user: string, count: number, shape: Shape): void {
  const fits = shape.every((dimension) => Number.isInteger(dimension) && dimension >= 0);
  if (fits && elementCount(shape) === count) return;
  throw new ShapeError(
    `${user}: ${count} elements were given for the shape [${shape.join(', ')}], which ` +
      `${fits ? `has ${elementCount(shape)}` : 'is none: dimensions are whole numbers from 0'}; correct one of them`,
  );
}

/** Throws ShapeError unless an op was given between `least` and `most` inputs. */
export function checkInputCount(
  op: string,
  inputs: readonly TensorSpec[],
  least: number,
  most: number = least,
): void {
  if (inputs.length < least || inputs.length > most) {
    const expected = least === most ? `${least}` : `${least} to ${most}`;
    throw new ShapeError(`${op}: given ${inputs.length} inputs, expected ${expected}`);
  }
}

/** Throws DTypeError unless `spec`, which messages call `what`, has the element type. */
export function checkDType(op: string, what: string, spec: TensorSpec, dtype: DType): void {
  if (spec.dtype !== dtype) {
    throw new DTypeError(`${op}: ${what} is ${describe(spec)}, expected ${dtype}; cast it first`);
  }
}

/** Throws ShapeError unless `spec` has the rank; `layout` spells the expected shape for the message. */
export function checkRank(op: string, what: string, spec: TensorSpec, rank: number, layout: string): void {
  if (spec.shape.length !== rank) {
    throw new ShapeError(`${op}: ${what} is ${describe(spec)}, expected ${layout}; reshape it`);
  }
}

/** Throws ShapeError unless `spec` has exactly the shape. */
export function checkShape(op: string, what: string, spec: TensorSpec, shape: readonly number[]): void {
  if (!sameShape(spec.shape, shape)) {
    throw new ShapeError(`${op}: ${what} is ${describe(spec)}, expected shape [${shape.join(', ')}]`);
  }
}

/** Throws ShapeError unless the inputs are all float32 and of one shape. */
export function checkAlike(op: string, inputs: readonly TensorSpec[]): void {
  for (const [index, input] of inputs.entries()) {
    checkDType(op, `input ${index}`, input, 'float32');
    if (!sameShape(input.shape, inputs[0].shape)) {
      throw new ShapeError(
        `${op}: input ${index} is ${describe(input)} but input 0 is ${describe(inputs[0])}; they must be alike`,
      );
    }
  }
}
