import { UnsupportedError } from '../op/errors.ts';
import type { Launch } from '../op/op.ts';
import { DeviceBuffer } from './buffer-pool.ts';
import type { GpuStorage } from './gpu-storage.ts';
import type { TimedLaunch } from './launch-timer.ts';
import type { LaunchContext } from './launches.ts';
import type { Dispatch } from './pass-encoder.ts';
import { PlannedBuffer, type Slot } from './planned-buffer.ts';
import type { Program, ProgramCache } from './programs.ts';
import { UniformData } from './uniform-block.ts';

export interface PlannedLaunch extends Dispatch {
  readonly label: string;
  readonly program: Program;
  readonly slots: readonly Slot[];
}

/** Takes launches in the place of the recorder, and gives stand-ins in the place of the pool. */
export class PlanRecording implements LaunchContext<Slot> {
  readonly programs: ProgramCache;
  readonly recorder = this;
  readonly pool = this;
  readonly launches: PlannedLaunch[] = [];
  readonly uniforms = new UniformData();
  /** Tensors from outside that it reads. */
  readonly outside = new Set<GpuStorage>();
  readonly #planned: PlannedBuffer[] = [];

  constructor(programs: ProgramCache) {
    this.programs = programs;
  }

  acquire(bytes: number): PlannedBuffer {
    const planned = new PlannedBuffer(bytes, this);
    this.#planned.push(planned);
    return planned;
  }

  /** How long a buffer is needed follows from the launches alone. */
  release(): void {}

  /** Stand-ins that some launch uses. */
  get used(): PlannedBuffer[] {
    return this.#planned.filter(({ last }) => last >= 0);
  }

  /** The storage as something to bind; throws UnsupportedError for one that another plan made. */
  slotOf(storage: GpuStorage, user: string): Slot {
    const { slot } = storage;
    if (slot instanceof DeviceBuffer) this.outside.add(storage);
    else if (slot.recording !== this) return storage.buffer(user);
    return slot;
  }

  /** As {@link slotOf}, for an op to write into; throws UnsupportedError for a tensor from outside. */
  targetOf(storage: GpuStorage, user: string): PlannedBuffer {
    const { slot } = storage;
    if (slot instanceof PlannedBuffer && slot.recording === this) return slot;
    throw new UnsupportedError(
      `${user}: was to write into a tensor from outside of the captured function; make it inside`,
    );
  }

  launch(
    label: string,
    program: Program,
    slots: readonly Slot[],
    _fresh: readonly Slot[],
    { uniforms, grid }: Launch,
    { origin, first }: TimedLaunch,
  ): void {
    const uniformOffset = [this.uniforms.append(program.shader.uniforms, uniforms, program.name)] as const;
    const index = this.launches.push({ label, program, slots, grid, uniformOffset, origin, first }) - 1;
    for (const slot of slots) {
      if (!(slot instanceof PlannedBuffer)) continue;
      slot.first = Math.min(slot.first, index);
      slot.last = index;
    }
  }
}
