import type { NumericArray } from '../op/spec.ts';

/** Computes `count` consecutive elements of y from a and b, each read from its start with its step (0 repeats it). */
export type BinaryLoop = (
  a: NumericArray,
  aStart: number,
  aStep: number,
  b: NumericArray,
  bStart: number,
  bStep: number,
  y: NumericArray,
  start: number,
  count: number,
) => void;

/** One loop per op: a function called per element through one shared loop is not inlined (5 times slower for add). */
export const binaryLoops = {
  add(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = a[i] + b[j];
  },
  subtract(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = a[i] - b[j];
  },
  multiply(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = a[i] * b[j];
  },
  divide(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = a[i] / b[j];
  },
  maximum(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = Math.max(a[i], b[j]);
  },
  minimum(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = Math.min(a[i], b[j]);
  },
  greater(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = a[i] > b[j] ? 1 : 0;
  },
  equal(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = a[i] === b[j] ? 1 : 0;
  },
  floorDivide(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = Math.floor(a[i] / b[j]);
  },
  modulo(a, aStart, aStep, b, bStart, bStep, y, start, count) {
    for (let n = 0, i = aStart, j = bStart; n < count; n++, i += aStep, j += bStep)
      y[start + n] = ((a[i] % b[j]) + b[j]) % b[j];
  },
} satisfies Record<string, BinaryLoop>;
