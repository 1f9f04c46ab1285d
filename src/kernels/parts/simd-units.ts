import { UNIT_ELEMENTS } from '../cpu/simd/blocks.ts';

export { UNIT_ELEMENTS };

/** Units of an element-wise kernel's work on `count` elements. */
export function elementUnits(count: number): number {
  return Math.ceil(count / UNIT_ELEMENTS);
}
