import { UnsupportedError } from '../op/errors.ts';
import type { CpuStorage } from './cpu-storage.ts';
import { PlannedPlace } from './planned-place.ts';

/** Takes kernel calls instead of their being made. */
export class PlanRecording {
  readonly calls: (() => void)[] = [];
  /** Tensors from outside that it reads. */
  readonly outside = new Set<CpuStorage>();
  readonly #planned: PlannedPlace[] = [];

  plan(bytes: number): PlannedPlace {
    const place = new PlannedPlace(bytes, this);
    this.#planned.push(place);
    return place;
  }

  /** Stand-ins that some call uses. */
  get used(): PlannedPlace[] {
    return this.#planned.filter(({ last }) => last >= 0);
  }

  /** Notes a call of an op on these tensors. Throws UnsupportedError where it writes to one from outside. */
  add(user: string, inputs: readonly CpuStorage[], outputs: readonly CpuStorage[], call: () => void): void {
    const index = this.calls.push(call) - 1;
    for (const storage of inputs) {
      if (storage.place instanceof PlannedPlace) touch(storage.place, index);
      else this.outside.add(storage);
    }
    for (const { place } of outputs) {
      if (!(place instanceof PlannedPlace)) {
        throw new UnsupportedError(
          `${user}: was to write into a tensor from outside of the captured function; make it inside`,
        );
      }
      touch(place, index);
    }
  }
}

function touch(place: PlannedPlace, index: number): void {
  place.first = Math.min(place.first, index);
  place.last = index;
}
