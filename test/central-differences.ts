/** Step of the central differences. */
const STEP = 1e-5;

/** Slopes of `loss` along the elements `at` of an array that it reads; the array is left as it was. */
export function centralDifferences(
  elements: { [index: number]: number },
  at: readonly number[],
  loss: () => number,
): Float64Array {
  return Float64Array.from(at, (element) => {
    const value = elements[element];
    elements[element] = value + STEP;
    const above = loss();
    elements[element] = value - STEP;
    const below = loss();
    elements[element] = value;
    return (above - below) / (2 * STEP);
  });
}

/** Indices into `length` elements: all of them, or `most` that are spread over them. */
export function spread(length: number, most: number): number[] {
  if (length <= most) return Array.from({ length }, (_, index) => index);
  return Array.from({ length: most }, (_, index) => Math.floor(((index + 0.5) * length) / most));
}
