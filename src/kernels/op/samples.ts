import type { SampleInput } from './op.ts';
import { elementCount, type Shape } from './spec.ts';

/** Deterministic float32 values in [low, high), spread by a 32-bit mixing function of the position and the seed. */
export function floatSample(shape: Shape, seed = 1, low = -1, high = 1): SampleInput {
  const data = Array.from({ length: elementCount(shape) }, (_, index) =>
    Math.fround(low + (high - low) * unit(index, seed)),
  );
  return { shape, dtype: 'float32', data };
}

/** Deterministic integers in [low, high). */
export function integerSample(shape: Shape, seed: number, low: number, high: number): SampleInput {
  const data = Array.from({ length: elementCount(shape) }, (_, index) =>
    Math.floor(low + (high - low) * unit(index, seed)),
  );
  return { shape, dtype: 'int32', data };
}

/** A sample with given contents. */
export function valuesSample(
  shape: Shape,
  data: readonly number[],
  dtype: 'float32' | 'int32' = 'float32',
): SampleInput {
  return { shape, dtype, data };
}

function unit(index: number, seed: number): number {
  let h = (Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d) >>> 0;
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b) >>> 0;
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}
