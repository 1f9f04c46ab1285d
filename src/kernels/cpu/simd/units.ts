import { UNIT_ELEMENTS } from './blocks';

/** Where an element-wise kernel begins that computes the units from `unit` on, in bytes. */
export function firstVector(unit: i32): usize {
  return <usize>unit * (UNIT_ELEMENTS << 2);
}

/** Where the last vector lies before the unit `end` and within `count` elements, 4 or more. */
export function lastVector(count: i32, end: i32): usize {
  return min((<usize>count) << 2, firstVector(end)) - 16;
}
