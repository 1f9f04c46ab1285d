import type { Device, DevicePlan, Operand } from '../device.ts';
import { DisposedError } from '../op/errors.ts';
import type { TensorSpec } from '../op/spec.ts';
import { shareBuffers } from '../plans/lifetimes.ts';
import type { PlanOperands } from '../plans/plan-operands.ts';
import type { BindGroupCache } from './bind-groups.ts';
import type { BufferPool, DeviceBuffer } from './buffer-pool.ts';
import { GpuStorage } from './gpu-storage.ts';
import { LaunchSequence } from './launch-sequence.ts';
import type { PlanRecording } from './plan-recording.ts';
import { PlannedBuffer } from './planned-buffer.ts';
import type { Recorder } from './recorder.ts';
import type { UniformBlock } from './uniform-block.ts';

/** What a plan needs of its device. */
export interface PlanHost {
  readonly device: Device;
  readonly recorder: Recorder;
  readonly pool: BufferPool;
  readonly bindGroups: BindGroupCache;
  /** Whether nothing can be done any more. */
  gone(): boolean;
  /** Throws the reason when nothing can be done any more. */
  checkPresent(): void;
  buffer(operand: Operand, user: string): DeviceBuffer;
}

/** A recording as launches on buffers; inputs and outputs are bound anew for each run. */
export class WebGpuPlan implements DevicePlan {
  readonly bytes: number;
  readonly kernels: number;
  readonly outputs: readonly TensorSpec[];
  readonly #host: PlanHost;
  readonly #operands: PlanOperands<PlannedBuffer>;
  readonly #uniforms: UniformBlock;
  readonly #sequence: LaunchSequence;
  /** Buffers of the intermediate results. */
  readonly #own: readonly DeviceBuffer[];
  readonly #outside: readonly GpuStorage[];
  #disposed = false;

  /** The plan alone uses `uniforms`. */
  constructor(
    host: PlanHost,
    recording: PlanRecording,
    operands: PlanOperands<PlannedBuffer>,
    uniforms: UniformBlock,
  ) {
    // By number: the inputs, then what is made for the outputs.
    const bound = [...operands.inputs, ...operands.made];
    const needs = recording.used.filter((planned) => !bound.includes(planned));
    const { sizes, buffers } = shareBuffers(needs);
    this.bytes = sizes.reduce((sum, size) => sum + size, 0);
    this.kernels = recording.launches.length;
    this.#host = host;
    this.#operands = operands;
    this.outputs = operands.outputSpecs;
    this.#own = sizes.map((size) => host.pool.acquire(size, false));
    this.#outside = [...new Set([...recording.outside, ...(operands.outside as GpuStorage[])])];
    for (const storage of this.#outside) host.device.retain(storage);
    const launches = recording.launches.map(({ slots, ...launch }) => ({
      ...launch,
      buffers: slots.map((slot) => {
        if (!(slot instanceof PlannedBuffer)) return slot;
        const number = bound.indexOf(slot);
        return number >= 0 ? number : this.#own[buffers[needs.indexOf(slot)]];
      }),
    }));
    uniforms.write(recording.uniforms);
    this.#uniforms = uniforms;
    const label = `a plan of ${launches.length} launches`;
    this.#sequence = new LaunchSequence(label, launches, uniforms, host.bindGroups);
  }

  run(given: readonly Operand[]): Operand[] {
    const { pool, device, recorder } = this.#host;
    this.#host.checkPresent();
    if (this.#disposed) throw new DisposedError('plan: it was disposed; capture it again');
    this.#operands.check(given);
    const inputs = given.map((operand) => this.#host.buffer(operand, 'plan'));
    const outside = this.#outside.map((storage) => storage.buffer('plan'));
    const made = this.#operands.made.map(({ bytes }) => pool.acquire(bytes, false));
    const fresh = [...made, ...this.#own];
    recorder.run({
      kind: 'run',
      sequence: this.#sequence,
      bound: [...inputs, ...made],
      buffers: [...inputs, ...outside, ...fresh],
      fresh,
    });
    const allocated = made.map(
      (buffer, index) => new GpuStorage(device, buffer, this.#operands.made[index].bytes),
    );
    return this.#operands.results(device, given, allocated);
  }

  async ready(): Promise<void> {
    const { pipelines } = this.#sequence;
    await Promise.all(pipelines.map(({ settled }) => settled));
    this.#host.checkPresent();
    for (const { failure } of pipelines) if (failure) throw failure;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { device, pool, recorder, gone } = this.#host;
    for (const storage of this.#outside) device.release(storage);
    if (gone()) return;
    for (const buffer of this.#own) pool.release(buffer);
    recorder.afterSubmit(() => this.#uniforms.destroy());
  }
}
