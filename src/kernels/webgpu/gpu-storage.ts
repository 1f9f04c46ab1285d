import type { Device, Storage } from '../device.ts';
import { UnsupportedError } from '../op/errors.ts';
import { DeviceBuffer } from './buffer-pool.ts';
import { PlannedBuffer, type Slot } from './planned-buffer.ts';

/** A tensor's memory: a buffer, or while a plan is recorded a stand-in for one. */
export class GpuStorage implements Storage {
  references = 1;
  /** Allocated, and nothing recorded yet that writes it: what its buffer held before is nobody's concern. */
  unwritten = false;

  constructor(
    readonly device: Device,
    readonly slot: Slot,
    readonly bytes: number,
  ) {}

  /** The buffer; throws UnsupportedError naming `user` where there is none. */
  buffer(user: string): DeviceBuffer {
    if (this.slot instanceof DeviceBuffer) return this.slot;
    throw new UnsupportedError(
      `${user}: the tensor is part of a plan and holds nothing outside of its runs; return it from the captured function`,
    );
  }
}

/** The stand-in that a storage is, or null. */
export function plannedBuffer(storage: Storage): PlannedBuffer | null {
  return storage instanceof GpuStorage && storage.slot instanceof PlannedBuffer ? storage.slot : null;
}
