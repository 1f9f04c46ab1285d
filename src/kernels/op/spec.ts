import { ShapeError } from './errors.ts';

/** Element types that live on a device. Both are four bytes wide. */
export type DType = 'float32' | 'int32';

export type Shape = readonly number[];

/** What is known of a tensor without its contents. Row-major; images are NHWC. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Arrays that a device takes and gives back. */
export type DeviceArray = Float32Array<ArrayBufferLike> | Int32Array<ArrayBufferLike>;

/** Arrays that a plain TypeScript op computes on; float64 serves the finite differences of the tests. */
export type NumericArray = DeviceArray | Float64Array<ArrayBufferLike>;

/** Number of elements of a shape; a scalar has the shape [] and one element. */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const dimension of shape) count *= dimension;
  return count;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/** `[2, 3] float32`, as error messages spell a tensor. */
export function describe(spec: TensorSpec): string {
  return `[${spec.shape.join(', ')}] ${spec.dtype}`;
}

/** The shape two operands broadcast to, by NumPy's rule; throws ShapeError naming `op` and both shapes. */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let axis = 0; axis < rank; axis++) {
    const left = a[a.length - rank + axis] ?? 1;
    const right = b[b.length - rank + axis] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError(
        `${op}: cannot broadcast [${a.join(', ')}] with [${b.join(', ')}]; ` +
          'dimensions counted from the last must be equal or 1: reshape one of them',
      );
    }
    shape[axis] = left === 1 ? right : left;
  }
  return shape;
}

/** Turns a possibly negative axis into 0 … rank − 1; throws ShapeError naming `op`. */
export function normaliseAxis(op: string, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank) {
    throw new ShapeError(
      `${op}: axis ${axis} is outside a tensor of rank ${rank}; give one of ${-rank} … ${rank - 1}`,
    );
  }
  return normal;
}
