import type { HostArray } from '../workload.ts';

/** How far the outputs of an engine are from the reference's. */
export type Comparison =
  | { readonly agrees: true; readonly difference: number }
  | { readonly agrees: false; readonly difference: number | null; readonly reason: string };

const describe = ({ shape, data }: HostArray) =>
  `${data instanceof Int32Array ? 'int32' : 'float32'} [${shape.join(', ')}]`;

const refuse = (reason: string, difference: number | null = null): Comparison => ({
  agrees: false,
  difference,
  reason,
});

/** Largest magnitude, or NaN where an element is no finite number. */
function largestMagnitude(data: Float32Array | Int32Array): number {
  let largest = 0;
  for (const value of data) {
    if (!Number.isFinite(value)) return Number.NaN;
    largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}

function compareFloats(expected: Float32Array, given: Float32Array, tolerance: number): Comparison {
  const scale = largestMagnitude(expected);
  if (Number.isNaN(scale)) return refuse('the reference holds NaN or infinity');
  // Zeros would agree with any engine that computed nothing at all.
  if (scale === 0) return refuse('the reference holds zeros alone, which proves nothing');
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(given[i] - expected[i]);
    if (!(difference <= largest)) largest = difference;
    if (!Number.isFinite(largest)) return refuse(`element ${i} is ${given[i]}, expected ${expected[i]}`);
  }
  const difference = largest / scale;
  if (difference <= tolerance) return { agrees: true, difference };
  return refuse(
    `differs by ${difference.toExponential(1)} of the largest magnitude, allowed are ${tolerance.toExponential(1)}`,
    difference,
  );
}

/** Whole numbers are indices of words or classes: one that is near is as wrong as any other. */
function compareIntegers(expected: Int32Array, given: Int32Array): Comparison {
  const at = expected.findIndex((value, index) => value !== given[index]);
  return at < 0
    ? { agrees: true, difference: 0 }
    : refuse(`element ${at} is ${given[at]}, expected ${expected[at]}`);
}

/**
 * Compares all outputs of one engine with those of another. The difference is the largest of any element, relative to
 * the largest magnitude in the reference's array; int32 arrays have to be equal.
 */
export function compareOutputs(
  expected: readonly HostArray[],
  given: readonly HostArray[],
  tolerance: number,
): Comparison {
  if (expected.length === 0) return refuse('the reference has no outputs');
  if (given.length !== expected.length) {
    return refuse(`has ${given.length} outputs, expected ${expected.length}`);
  }
  let difference = 0;
  for (const [index, wanted] of expected.entries()) {
    const got = given[index];
    const name = expected.length === 1 ? '' : `output ${index}: `;
    if (describe(got) !== describe(wanted) || got.data.length !== wanted.data.length) {
      return refuse(`${name}is ${describe(got)}, expected ${describe(wanted)}`);
    }
    const one =
      wanted.data instanceof Int32Array
        ? compareIntegers(wanted.data, got.data as Int32Array)
        : compareFloats(wanted.data, got.data as Float32Array, tolerance);
    if (!one.agrees) return refuse(`${name}${one.reason}`, one.difference);
    difference = Math.max(difference, one.difference);
  }
  return { agrees: true, difference };
}
