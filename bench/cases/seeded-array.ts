import type { HostArray } from '../workload.ts';

const count = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

/** Turns any seed, 0 and neighbours included, into a state that xorshift may begin with (MurmurHash3's finaliser). */
function stir(seed: number): number {
  let state = (seed + 0x9e3779b9) | 0;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return state ^ (state >>> 16) || 1;
}

/**
 * Uniform numbers in [low, high), the same on every machine: xorshift32 (Marsaglia 2003), which draws the 53 million
 * weights of the largest case in a third of a second.
 */
export function uniform(
  shape: readonly number[],
  seed: number,
  low = -1,
  high = 1,
): HostArray & { data: Float32Array } {
  const data = new Float32Array(count(shape));
  const scale = (high - low) / 2 ** 32;
  let state = stir(seed);
  for (let i = 0; i < data.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[i] = low + (state >>> 0) * scale;
  }
  return { shape, data };
}

/** Whole numbers from 0 below `limit`. */
export function wholeNumbers(
  shape: readonly number[],
  seed: number,
  limit: number,
): HostArray & { data: Int32Array } {
  const { data } = uniform(shape, seed, 0, limit);
  return { shape, data: Int32Array.from(data, (value) => Math.min(limit - 1, Math.floor(value))) };
}

/** Weights [.., in, out] that keep the scale of what passes through them and a ReLU: uniform of variance 2 / fan in (He et al. 2015). */
export function heWeights(shape: readonly number[], seed: number) {
  const limit = Math.sqrt(6 / count(shape.slice(0, -1)));
  return uniform(shape, seed, -limit, limit);
}

/** Bytes of float32 or int32 arrays of these shapes together. */
export function bytesOf(...shapes: (readonly number[])[]): number {
  return shapes.reduce((sum, shape) => sum + 4 * count(shape), 0);
}
