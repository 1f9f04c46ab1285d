import { type Shape, stridesOf } from '../op/spec.ts';

/** Axes walked together over several arrays: one shape, and for each array its strides in elements. */
export interface Layout {
  readonly shape: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** Most axes that the shaders' `array<vec4<u32>, 2>` parameters hold. */
export const MAX_AXES = 8;

/** Strides with which an array of shape `from` is read as if it had the shape `to` it broadcasts to. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : strides[axis - missing]));
}

/** Drops axes of size 1 and merges neighbours that every array walks as one; leaves at least one axis. */
export function collapse(shape: Shape, ...strides: readonly (readonly number[])[]): Layout {
  const merged: number[] = [];
  const steps: number[][] = strides.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 1) continue;
    const last = merged.length - 1;
    const joins =
      last >= 0 && strides.every((stride, array) => steps[array][last] === stride[axis] * shape[axis]);
    if (joins) {
      merged[last] *= shape[axis];
      for (const [array, stride] of strides.entries()) steps[array][last] = stride[axis];
    } else {
      merged.push(shape[axis]);
      for (const [array, stride] of strides.entries()) steps[array].push(stride[axis]);
    }
  }
  if (merged.length === 0) {
    merged.push(1);
    for (const step of steps) step.push(0);
  }
  return { shape: merged, strides: steps };
}

/** Calls `visit` once for every run along the last axis, with the offset at which each array's run starts. */
export function walkRuns(layout: Layout, visit: (offsets: readonly number[], run: number) => void): void {
  const { shape, strides } = layout;
  if (shape.some((size) => size === 0)) return;
  const outer = shape.length - 1;
  const position = new Array<number>(outer).fill(0);
  const offsets = strides.map(() => 0);
  for (let run = 0; ; run++) {
    visit(offsets, run);
    let axis = outer - 1;
    for (; axis >= 0; axis--) {
      position[axis]++;
      for (let array = 0; array < offsets.length; array++) offsets[array] += strides[array][axis];
      if (position[axis] < shape[axis]) break;
      for (let array = 0; array < offsets.length; array++) {
        offsets[array] -= strides[array][axis] * shape[axis];
      }
      position[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** Sizes or strides as the shaders' `array<vec4<u32>, 2>` takes them. */
export function axesUniform(values: readonly number[]): number[] {
  return Array.from({ length: MAX_AXES }, (_, axis) => values[axis] ?? 0);
}
