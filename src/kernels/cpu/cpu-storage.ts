import type { Device, Storage } from '../device.ts';
import type { Place } from './kernel-call.ts';
import { PlannedPlace } from './planned-place.ts';

/** A tensor's memory. */
export class CpuStorage implements Storage {
  references = 1;

  constructor(
    readonly owner: Device,
    readonly place: Place,
    readonly bytes: number,
  ) {}
}

/** The stand-in that a storage is, or null. */
export function plannedPlace(storage: Storage): PlannedPlace | null {
  return storage instanceof CpuStorage && storage.place instanceof PlannedPlace ? storage.place : null;
}
