import { checkDType, checkRank } from '../op/checks.ts';
import type { Shape, TensorSpec } from '../op/spec.ts';

/** Where an output position reads along one axis: between `low` and `high`, `weight` of the way. */
export interface Tap {
  readonly low: number;
  readonly high: number;
  readonly weight: number;
}

/** Taps of a resize with half-pixel centres (as TensorFlow 2 and Pillow place pixels), clamped at the edges. */
export function resizeTaps(input: number, output: number): Tap[] {
  return Array.from({ length: output }, (_, position) => {
    const centre = Math.min(input - 1, Math.max(0, ((position + 0.5) * input) / output - 0.5));
    const low = Math.floor(centre);
    return { low, high: Math.min(input - 1, low + 1), weight: centre - low };
  });
}

/** Checks an NHWC image batch for the resize ops. */
export function checkImages(op: string, what: string, spec: TensorSpec): void {
  checkDType(op, what, spec, 'float32');
  checkRank(op, what, spec, 4, '[batch, height, width, channels]');
}

/** Input shapes and output sizes that the tests of both resize ops run. */
export const resizeCases: readonly { name: string; shape: Shape; height: number; width: number }[] = [
  { name: 'up', shape: [1, 3, 4, 2], height: 7, width: 9 },
  { name: 'down', shape: [2, 9, 7, 3], height: 4, width: 3 },
  { name: 'far down', shape: [1, 17, 13, 1], height: 2, width: 3 },
  { name: 'mixed', shape: [1, 5, 6, 3], height: 8, width: 2 },
  { name: 'same', shape: [1, 4, 4, 1], height: 4, width: 4 },
  { name: 'one pixel', shape: [1, 1, 1, 3], height: 3, width: 2 },
];
