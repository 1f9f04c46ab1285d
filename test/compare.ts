import type { NumericArray } from '../src/kernels/op/spec.ts';

export interface CompareOptions {
  /** Magnitude to which the tolerance is relative at least, however small the expected numbers are. */
  readonly floor?: number;
  /** What the elements are called in the message, when the arrays are a selection. */
  readonly indices?: readonly number[];
}

/** Throws, naming the worst element, unless all differ by at most `tolerance` times the largest expected magnitude. */
export function compare(
  what: string,
  actual: NumericArray,
  expected: NumericArray,
  tolerance: number,
  { floor = 0, indices }: CompareOptions = {},
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: expected ${expected.length} elements, got ${actual.length}`);
  }
  let largest = floor;
  for (const value of expected) largest = Math.max(largest, Math.abs(value));
  const allowed = tolerance * largest;
  let worst = -1;
  let worstDifference = 0;
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(actual[index] - expected[index]);
    // NaN compares false and so counts as the worst.
    if (difference <= Math.max(allowed, worstDifference)) continue;
    worst = index;
    worstDifference = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  if (worst >= 0) {
    throw new Error(
      `${what}: at index ${indices?.[worst] ?? worst} expected ${expected[worst]}, got ${actual[worst]} ` +
        `(differs by ${Math.abs(actual[worst] - expected[worst])}, allowed ${allowed})`,
    );
  }
}
