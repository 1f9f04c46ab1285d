import type { Place } from './kernel-call.ts';

/** Stands for a block while a plan is recorded: how large it must be, and which calls use it. */
export class PlannedPlace implements Place {
  /** Known when the plan is made; of inputs and outputs, when it runs. */
  offset = 0;
  first = Number.POSITIVE_INFINITY;
  last = -1;

  /** `recording` is known by its identity alone. */
  constructor(
    readonly bytes: number,
    readonly recording: object,
  ) {}
}
