import type { Device, DevicePlan, MemoryReport, Operand, Storage } from '../device.ts';
import {
  DeviceLostError,
  DisposedError,
  type EkphrasisError,
  KernelError,
  UnsupportedError,
} from '../op/errors.ts';
import type { AdapterFacts, GpuCall, OpAttributes, OpDefinition, OpName } from '../op/op.ts';
import { densePlacement, placementIn } from '../op/placement.ts';
import { type DeviceArray, describe, elementCount, type TensorSpec } from '../op/spec.ts';
import { opTable } from '../op-table.ts';
import { PlanOperands } from '../plans/plan-operands.ts';
import type { Profiled } from '../profiling/profile.ts';
import type { TunedChoices, TuningProgress, TuningReport } from '../profiling/tuning.ts';
import { type AdapterOptions, openAdapter } from './adapter.ts';
import { adapterFacts, deviceDescriptor } from './adapter-facts.ts';
import { BindGroupCache } from './bind-groups.ts';
import { BufferPool, DeviceBuffer } from './buffer-pool.ts';
import { bufferUsage, mapModeRead } from './gpu-flags.ts';
import { GpuStorage, plannedBuffer } from './gpu-storage.ts';
import { profileLaunches } from './launch-timer.ts';
import { recordOp } from './launches.ts';
import { messageOf, PipelineCache } from './pipelines.ts';
import { PlanRecording } from './plan-recording.ts';
import type { Slot } from './planned-buffer.ts';
import { Presence } from './presence.ts';
import { ProgramCache } from './programs.ts';
import { Recorder } from './recorder.ts';
import { storedTuning, tuneDevice } from './tuner.ts';
import { UniformBlock } from './uniform-block.ts';
import { VariantChoice } from './variant-choice.ts';
import { WebGpuPlan } from './webgpu-plan.ts';

/** Bytes kept in the pool for reuse at most; the activations of InceptionV3 for one image take a tenth. */
const POOL_CAP_BYTES = 512 * 2 ** 20;
const STAGING_CAP_BYTES = 64 * 2 ** 20;

/** A device on a WebGPU adapter. Ops are recorded; they run when something is read or enough has come together. */
export class WebGpuDevice implements Device {
  readonly kind = 'webgpu';
  readonly adapter: AdapterFacts;
  readonly description: string;
  /** The underlying device, for measurements. What is done with it here is not known to this engine. */
  readonly gpu: GPUDevice;
  readonly #programs: ProgramCache;
  readonly #pipelines: PipelineCache;
  readonly #bindGroups: BindGroupCache;
  readonly #recorder: Recorder;
  readonly #buffers: BufferPool;
  readonly #staging: BufferPool;
  readonly #choice: VariantChoice;
  /** The plan that is being recorded. */
  #recording: PlanRecording | null = null;
  readonly #presence: Presence;

  private constructor(gpu: GPUDevice, facts: AdapterFacts, tuned: TunedChoices, reason: string) {
    this.gpu = gpu;
    this.adapter = facts;
    this.#presence = new Presence(facts.cpuLike);
    this.#choice = new VariantChoice(tuned);
    const words = [facts.vendor, facts.architecture].filter(Boolean).join(' ');
    this.description = `WebGPU on ${facts.description}${words ? ` (${words})` : ''}${reason ? `, ${reason}` : ''}`;
    const pipelines = new PipelineCache(gpu);
    const bindGroups = new BindGroupCache(gpu);
    this.#pipelines = pipelines;
    this.#bindGroups = bindGroups;
    this.#programs = new ProgramCache(pipelines);
    const recorder = new Recorder(gpu, pipelines, bindGroups, (batch) => {
      this.#buffers.submitted(batch);
      this.#staging.submitted(batch);
    });
    this.#recorder = recorder;
    const shared = {
      maxBufferBytes: facts.maxBufferBytes,
      create: recorder.createBuffer.bind(recorder),
      broke: recorder.broke.bind(recorder),
    };
    this.#buffers = new BufferPool({
      ...shared,
      label: 'tensor',
      usage: bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyDestination,
      capBytes: POOL_CAP_BYTES,
      destroyed: (buffer) => bindGroups.evict(buffer),
    });
    this.#staging = new BufferPool({
      ...shared,
      label: 'staging',
      usage: bufferUsage.mapRead | bufferUsage.copyDestination,
      capBytes: STAGING_CAP_BYTES,
    });
    gpu.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      recorder.remember(new KernelError(`the GPU device reports: ${event.error.message}`));
    });
    gpu.lost.then((info) => {
      this.#leave(
        new DeviceLostError(
          `the GPU device was lost (${info.reason}): ${info.message || 'no reason given'}; its tensors are gone: request a new device`,
        ),
      );
    });
  }

  /** A device on the adapter that the options choose. Throws NoAdapterError saying what to install. */
  static async request(options: AdapterOptions = {}): Promise<WebGpuDevice> {
    return WebGpuDevice.on(await openAdapter(options));
  }

  /** A device on an adapter at hand; `reason` ends its description. An adapter gives one device only. */
  static async on(adapter: GPUAdapter, reason = ''): Promise<WebGpuDevice> {
    const facts = adapterFacts(adapter);
    let gpu: GPUDevice;
    try {
      gpu = await adapter.requestDevice(deviceDescriptor(adapter));
    } catch (cause) {
      throw new DeviceLostError(`${facts.description} gives no device: ${messageOf(cause)}`, { cause });
    }
    const { choices, remark } = await storedTuning(facts);
    return new WebGpuDevice(gpu, facts, choices, [reason, remark].filter(Boolean).join(', '));
  }

  upload(data: DeviceArray): Storage {
    this.#presence.check();
    this.#checkNotRecording('upload: data cannot enter a plan while it is recorded; upload them before');
    const buffer = this.#buffers.acquire(data.byteLength, true);
    this.#write(buffer, data);
    return new GpuStorage(this, buffer, data.byteLength);
  }

  overwrite(storage: Storage, data: DeviceArray): boolean {
    this.#presence.check();
    const { references, slot, bytes } = this.#storage(storage, 'overwrite');
    if (references > 1 || bytes < data.byteLength || !(slot instanceof DeviceBuffer)) return false;
    if (!this.#buffers.isIdle(slot)) return false;
    this.#write(slot, data);
    return true;
  }

  allocate(bytes: number): Storage {
    this.#presence.check();
    const storage = new GpuStorage(this, (this.#recording ?? this.#buffers).acquire(bytes, false), bytes);
    storage.unwritten = true;
    return storage;
  }

  run<K extends OpName>(
    op: K,
    inputs: readonly Operand[],
    attributes: OpAttributes[K],
    variant?: string,
  ): Operand[] {
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    return this.execute(definition, inputs, attributes, variant);
  }

  /** `run` for a definition at hand, in the op table or not. */
  execute<A>(
    definition: OpDefinition<A>,
    inputs: readonly Operand[],
    attributes: A,
    variant?: string,
  ): Operand[] {
    this.#presence.check();
    const storages = inputs.map((input) => this.#storage(input.storage, definition.name, input.spec));
    const specs = inputs.map((input) => input.spec);
    const outputSpecs = definition.infer(specs, attributes);
    if (definition.view) {
      this.retain(inputs[0].storage);
      return [{ storage: inputs[0].storage, spec: outputSpecs[0] }];
    }
    const placement = densePlacement(outputSpecs[0]);
    const call = { inputs: specs, outputs: outputSpecs, attributes, adapter: this.adapter, placement };
    const outputs = this.#record(definition, call, storages, null, variant);
    return outputSpecs.map((spec, index) => ({
      storage: new GpuStorage(this, outputs[index], 4 * elementCount(spec.shape)),
      spec,
    }));
  }

  runInto<K extends OpName>(
    op: K,
    inputs: readonly Operand[],
    attributes: OpAttributes[K],
    into: Operand,
    offset: number,
    variant?: string,
  ): void {
    this.#presence.check();
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const storages = inputs.map((input) => this.#storage(input.storage, op, input.spec));
    const target = this.#storage(into.storage, op, into.spec);
    const specs = inputs.map((input) => input.spec);
    const outputs = definition.infer(specs, attributes);
    const placement = placementIn(definition, outputs, into.spec, offset);
    const call = { inputs: specs, outputs, attributes, adapter: this.adapter, placement };
    this.#record(definition, call, storages, target, variant);
    target.unwritten = false;
  }

  capture(
    inputs: readonly TensorSpec[],
    body: (inputs: readonly Operand[]) => readonly Operand[],
  ): DevicePlan {
    this.#presence.check();
    this.#checkNotRecording('capture: a plan cannot be captured inside of another; capture it before');
    const recording = new PlanRecording(this.#programs);
    this.#recording = recording;
    try {
      const taken = inputs.map((spec) => {
        const bytes = 4 * elementCount(spec.shape);
        return { storage: new GpuStorage(this, recording.acquire(bytes), bytes), spec };
      });
      const operands = new PlanOperands(taken, body(taken), plannedBuffer);
      return new WebGpuPlan(
        {
          device: this,
          recorder: this.#recorder,
          pool: this.#buffers,
          bindGroups: this.#bindGroups,
          gone: () => this.#presence.gone,
          checkPresent: () => this.#presence.check(),
          buffer: ({ storage, spec }, user) => this.#storage(storage, user, spec).buffer(user),
        },
        recording,
        operands,
        new UniformBlock(this.gpu, this.#pipelines.uniformLayout),
      );
    } finally {
      this.#recording = null;
    }
  }

  async read({ storage, spec }: Operand): Promise<DeviceArray> {
    this.#presence.check();
    this.#checkNotRecording('read: nothing is computed while a plan is recorded; read what its runs put out');
    const buffer = this.#storage(storage, 'read', spec).buffer('read');
    const bytes = 4 * elementCount(spec.shape);
    const staging = this.#staging.acquire(bytes, true);
    const copy = this.#recorder.copy(buffer, staging, bytes);
    try {
      // Reads that are asked for together are recorded before the first one submits.
      await null;
      await this.#settle(copy);
      if (bytes === 0) return arrayOf(spec, new ArrayBuffer(0));
      await this.#presence.orGone(staging.gpu.mapAsync(mapModeRead, 0, bytes));
      const elements = arrayOf(spec, staging.gpu.getMappedRange(0, bytes).slice(0));
      staging.gpu.unmap();
      return elements;
    } catch (error) {
      throw await this.#presence.explain(error);
    } finally {
      if (!this.#presence.gone) this.#staging.release(staging);
    }
  }

  retain(storage: Storage): void {
    this.#storage(storage, 'retain').references++;
  }

  release(storage: Storage): void {
    const held = this.#storage(storage, 'release');
    held.references--;
    if (held.references > 0 || this.#presence.gone || !(held.slot instanceof DeviceBuffer)) return;
    this.#buffers.release(held.slot);
  }

  async synchronise(): Promise<void> {
    this.#presence.check();
    try {
      await this.#settle();
      await this.#presence.orGone(this.gpu.queue.onSubmittedWorkDone());
    } catch (error) {
      throw await this.#presence.explain(error);
    }
  }

  async profile<T>(body: () => T | Promise<T>): Promise<Profiled<T>> {
    this.#presence.check();
    return profileLaunches(this.gpu, this.adapter, this.#recorder, body, {
      synchronise: () => this.synchronise(),
      orGone: (promise) => this.#presence.orGone(promise),
    });
  }

  async tune(body: () => unknown, progress: TuningProgress = () => undefined): Promise<TuningReport> {
    this.#presence.check();
    return tuneDevice(this, this.#choice, body, progress);
  }

  memory(): MemoryReport {
    const tensors = this.#buffers.memory();
    const staging = this.#staging.memory();
    return {
      liveBytes: tensors.liveBytes,
      pooledBytes: tensors.pooledBytes + staging.pooledBytes,
      peakBytes: tensors.peakBytes + staging.peakBytes,
      storages: tensors.storages,
    };
  }

  trim(): void {
    this.#presence.check();
    this.#buffers.trim();
    this.#staging.trim();
    this.#recorder.flush();
  }

  destroy(): void {
    this.#leave(new DisposedError('this WebGPU device was destroyed; request a new one'));
    this.gpu.destroy();
  }

  #write(buffer: DeviceBuffer, { buffer: memory, byteOffset, byteLength }: DeviceArray): void {
    buffer.failure = null;
    if (byteLength > 0) this.gpu.queue.writeBuffer(buffer.gpu, 0, memory, byteOffset, byteLength);
  }

  /** Records the launches of an op, into the plan that is being recorded if there is one. */
  #record<A>(
    definition: OpDefinition<A>,
    call: GpuCall<A>,
    inputs: readonly GpuStorage[],
    into: GpuStorage | null,
    variant: string | undefined,
  ): Slot[] {
    const user = definition.name;
    const chosen = this.#choice.choose(definition, call, variant);
    const recording = this.#recording;
    const fresh = into?.unwritten ?? false;
    if (recording) {
      const slots = inputs.map((storage) => recording.slotOf(storage, user));
      const given = into && { buffer: recording.targetOf(into, user), fresh };
      return recordOp(definition, call, slots, given, chosen, recording);
    }
    const buffers = inputs.map((storage) => storage.buffer(user));
    const given = into && { buffer: into.buffer(user), fresh };
    const context = { programs: this.#programs, recorder: this.#recorder, pool: this.#buffers };
    return recordOp(definition, call, buffers, given, chosen, context);
  }

  /** Submits everything and throws the first failure there is, of whatever op, or else that of the copy. */
  async #settle(copy?: { readonly failure: EkphrasisError | null }): Promise<void> {
    this.#recorder.flush();
    await this.#presence.orGone(this.#recorder.settled());
    const failure = this.#recorder.takeFailure() ?? copy?.failure;
    if (failure) throw failure;
  }

  /** Nothing can be done from now on; whoever waits is told why. */
  #leave(reason: EkphrasisError): void {
    if (this.#presence.leave(reason)) this.#recorder.stop();
  }

  #checkNotRecording(message: string): void {
    if (this.#recording) throw new UnsupportedError(message);
  }

  #storage(storage: Storage, op: string, spec?: TensorSpec): GpuStorage {
    if (!(storage instanceof GpuStorage) || storage.device !== this) {
      throw new KernelError(`${op}: the tensor lives on another device; read it and upload it here`);
    }
    if (storage.references <= 0) {
      const what = spec ? `the tensor ${describe(spec)}` : 'this storage';
      throw new DisposedError(`${op}: ${what} was disposed; keep it until its last use`);
    }
    return storage;
  }
}

function arrayOf(spec: TensorSpec, bytes: ArrayBuffer): DeviceArray {
  return spec.dtype === 'int32' ? new Int32Array(bytes) : new Float32Array(bytes);
}
