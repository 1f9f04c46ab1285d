import type { DeviceBuffer } from './buffer-pool.ts';

/** Stands for a buffer while a plan is recorded: how large it must be, and which launches use it. */
export class PlannedBuffer {
  first = Number.POSITIVE_INFINITY;
  last = -1;

  /** `recording` is known by its identity alone. */
  constructor(
    readonly bytes: number,
    readonly recording: object,
  ) {}
}

/** What a launch binds: a buffer, or while a plan is recorded perhaps a stand-in. */
export type Slot = DeviceBuffer | PlannedBuffer;
