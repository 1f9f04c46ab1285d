import type { Device, DevicePlan, Operand, Storage } from '../device.ts';
import { DisposedError } from '../op/errors.ts';
import type { TensorSpec } from '../op/spec.ts';
import { packOffsets } from '../plans/lifetimes.ts';
import type { PlanOperands } from '../plans/plan-operands.ts';
import type { CpuStorage } from './cpu-storage.ts';
import type { Place } from './kernel-call.ts';
import type { PlanRecording } from './plan-recording.ts';
import type { PlannedPlace } from './planned-place.ts';

/** Intermediate results begin at cache lines. */
const ALIGNMENT = 64;

/** What a plan needs of its device. */
export interface PlanHost {
  readonly device: Device;
  /** Throws when the device was destroyed. */
  checkPresent(): void;
  allocate(bytes: number): CpuStorage;
  /** The place of a tensor of this device; throws where it has none. */
  placeOf(operand: Operand, user: string): Place;
}

/** Recorded kernel calls on fixed addresses; those of inputs and outputs are set for each run. */
export class CpuPlan implements DevicePlan {
  readonly bytes: number;
  readonly kernels: number;
  readonly outputs: readonly TensorSpec[];
  readonly #host: PlanHost;
  readonly #operands: PlanOperands<PlannedPlace>;
  readonly #calls: readonly (() => void)[];
  /** Memory of the intermediate results. */
  readonly #own: Storage;
  readonly #outside: readonly Storage[];
  #disposed = false;

  constructor(host: PlanHost, { calls, used, outside }: PlanRecording, operands: PlanOperands<PlannedPlace>) {
    const needs = used.filter((place) => !operands.inputs.includes(place) && !operands.made.includes(place));
    const { bytes, offsets } = packOffsets(needs, ALIGNMENT);
    const own = host.allocate(bytes);
    for (const [index, need] of needs.entries()) need.offset = own.place.offset + offsets[index];
    this.bytes = bytes;
    this.kernels = calls.length;
    this.#host = host;
    this.#operands = operands;
    this.outputs = operands.outputSpecs;
    this.#calls = calls;
    this.#own = own;
    this.#outside = [...new Set([...outside, ...operands.outside])];
    for (const storage of this.#outside) host.device.retain(storage);
  }

  run(given: readonly Operand[]): Operand[] {
    const { device, placeOf, allocate } = this.#host;
    this.#host.checkPresent();
    if (this.#disposed) throw new DisposedError('plan: it was disposed; capture it again');
    this.#operands.check(given);
    for (const [index, place] of this.#operands.inputs.entries()) {
      place.offset = placeOf(given[index], 'plan').offset;
    }
    const allocated: CpuStorage[] = [];
    try {
      for (const place of this.#operands.made) {
        const storage = allocate(place.bytes);
        allocated.push(storage);
        place.offset = storage.place.offset;
      }
      for (const call of this.#calls) call();
    } catch (error) {
      for (const storage of allocated) device.release(storage);
      throw error;
    }
    return this.#operands.results(device, given, allocated);
  }

  async ready(): Promise<void> {}

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const storage of [this.#own, ...this.#outside]) this.#host.device.release(storage);
  }
}
