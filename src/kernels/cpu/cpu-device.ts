import type { Device, DevicePlan, MemoryReport, Operand, Storage } from '../device.ts';
import { DisposedError, UnsupportedError } from '../op/errors.ts';
import type { OpAttributes, OpDefinition, OpName } from '../op/op.ts';
import { densePlacement, placementIn, scatterRows } from '../op/placement.ts';
import { type DeviceArray, elementCount, type TensorSpec } from '../op/spec.ts';
import { opTable } from '../op-table.ts';
import { PlanOperands } from '../plans/plan-operands.ts';
import { originOf, ProfileCollector, type Profiled } from '../profiling/profile.ts';
import type { Block } from './arena.ts';
import { CpuPlan } from './cpu-plan.ts';
import { CpuStorage, plannedPlace } from './cpu-storage.ts';
import type { KernelCall, Place } from './kernel-call.ts';
import { Machine } from './machine.ts';
import { PlanRecording } from './plan-recording.ts';
import type { PlannedPlace } from './planned-place.ts';
import { defaultThreads } from './threads/team.ts';

export interface CpuDeviceOptions {
  /** Most bytes that tensors may take together; 4 GiB, which is also the most there can be, when not given. */
  readonly memoryLimitBytes?: number;
  /**
   * How many threads compute, from 1; one a processor and at most eight when not given. Where the platform does not
   * allow threads there is one, and the device's description says why.
   */
  readonly threads?: number;
  /** Why this device was chosen, for its description. */
  readonly reason?: string;
}

const FOUR_GIB = 2 ** 32;

/**
 * Computes on the processor: SIMD WebAssembly kernels where an op has them, in one or more threads, else its plain
 * TypeScript. Every tensor lives in one WebAssembly memory, so that kernels work on it in place. Ops run at once; `run` throws
 * their errors itself.
 */
export class CpuDevice implements Device {
  readonly kind = 'cpu';
  readonly adapter = null;
  readonly description: string;

  readonly #machine: Machine;
  #storages = 0;
  #peakBytes = 0;
  #destroyed = false;
  /** The plan that is being recorded. */
  #recording: PlanRecording | null = null;
  #profiling: ProfileCollector | null = null;

  private constructor(machine: Machine, reason: string | undefined) {
    this.description = `CPU, ${machine.description}${reason ? `: ${reason}` : ''}`;
    this.#machine = machine;
  }

  /**
   * Throws UnsupportedError where the runtime has no WebAssembly SIMD, and for `threads` that are no whole number
   * from 1.
   */
  static async create(options: CpuDeviceOptions = {}): Promise<CpuDevice> {
    const { memoryLimitBytes: limitBytes = FOUR_GIB, threads = defaultThreads(), reason } = options;
    if (!(Number.isInteger(threads) && threads >= 1)) {
      throw new UnsupportedError(`CpuDevice: ${threads} threads were asked for; give a whole number from 1`);
    }
    return new CpuDevice(await Machine.start(threads, limitBytes), reason);
  }

  upload(data: DeviceArray): Storage {
    this.#requireAlive('upload');
    this.#requireNoRecording('upload: data cannot enter a plan while it is recorded; upload them before');
    const storage = this.#allocate(data.byteLength);
    const spec: TensorSpec = {
      shape: [data.length],
      dtype: data instanceof Int32Array ? 'int32' : 'float32',
    };
    this.#view(storage.place, spec).set(data);
    return storage;
  }

  overwrite(storage: Storage, data: DeviceArray): boolean {
    this.#requireAlive('overwrite');
    const { references, place, bytes } = this.#own('overwrite', storage);
    if (references > 1 || bytes < data.byteLength || this.#recording) return false;
    const dtype = data instanceof Int32Array ? 'int32' : 'float32';
    this.#view(place, { shape: [data.length], dtype }).set(data);
    return true;
  }

  allocate(bytes: number): Storage {
    this.#requireAlive('allocate');
    return this.#take(bytes);
  }

  run<K extends OpName>(
    op: K,
    inputs: readonly Operand[],
    attributes: OpAttributes[K],
    variant?: string,
  ): Operand[] {
    this.#requireCallable(op, variant);
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const inputSpecs = inputs.map((operand) => operand.spec);
    const storages = inputs.map((operand) => this.#own(op, operand.storage));
    const outputSpecs = definition.infer(inputSpecs, attributes);
    if (definition.view) {
      this.retain(inputs[0].storage);
      return [{ storage: inputs[0].storage, spec: outputSpecs[0] }];
    }
    const outputs: CpuStorage[] = [];
    try {
      for (const spec of outputSpecs) outputs.push(this.#take(elementCount(spec.shape) * 4));
      this.#call(storages, outputs, {
        definition,
        specs: { inputs: inputSpecs, outputs: outputSpecs, attributes },
        inputs: storages.map(({ place }) => place),
        outputs: outputs.map(({ place }) => place),
        placement: densePlacement(outputSpecs[0]),
        into: null,
        plain: variant === 'plain',
      });
    } catch (error) {
      for (const storage of outputs) this.release(storage);
      throw error;
    }
    return outputs.map((storage, index) => ({ storage, spec: outputSpecs[index] }));
  }

  runInto<K extends OpName>(
    op: K,
    inputs: readonly Operand[],
    attributes: OpAttributes[K],
    into: Operand,
    offset: number,
    variant?: string,
  ): void {
    this.#requireCallable(op, variant);
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const inputSpecs = inputs.map((operand) => operand.spec);
    const storages = inputs.map((operand) => this.#own(op, operand.storage));
    const target = this.#own(op, into.storage);
    const outputSpecs = definition.infer(inputSpecs, attributes);
    this.#call(storages, [target], {
      definition,
      specs: { inputs: inputSpecs, outputs: outputSpecs, attributes },
      inputs: storages.map(({ place }) => place),
      outputs: [target.place],
      placement: placementIn(definition, outputSpecs, into.spec, offset),
      into: into.spec,
      plain: variant === 'plain',
    });
  }

  capture(
    inputs: readonly TensorSpec[],
    body: (inputs: readonly Operand[]) => readonly Operand[],
  ): DevicePlan {
    this.#requireAlive('capture');
    this.#requireNoRecording('capture: a plan cannot be captured inside of another; capture it before');
    const recording = new PlanRecording();
    this.#recording = recording;
    let operands: PlanOperands<PlannedPlace>;
    try {
      const taken = inputs.map((spec) => ({ storage: this.#take(4 * elementCount(spec.shape)), spec }));
      operands = new PlanOperands(taken, body(taken), plannedPlace);
    } finally {
      this.#recording = null;
    }
    const host = {
      device: this,
      checkPresent: () => this.#requireAlive('plan'),
      allocate: (bytes: number) => this.#allocate(bytes),
      placeOf: ({ storage }: Operand, user: string) => this.#own(user, storage).place,
    };
    return new CpuPlan(host, recording, operands);
  }

  async read(operand: Operand): Promise<DeviceArray> {
    this.#requireAlive('read');
    this.#requireNoRecording(
      'read: nothing is computed while a plan is recorded; read what its runs put out',
    );
    return this.#view(this.#own('read', operand.storage).place, operand.spec).slice();
  }

  retain(storage: Storage): void {
    this.#requireAlive('retain');
    this.#own('retain', storage).references++;
  }

  release(storage: Storage): void {
    // destroy() has freed everything; what is disposed after it, in a `finally` perhaps, must not hide an error.
    if (this.#destroyed) return;
    const owned = this.#own('release', storage);
    owned.references--;
    if (owned.references > 0 || plannedPlace(owned)) return;
    this.#storages--;
    this.#machine.arena.release(owned.place as Block);
  }

  async synchronise(): Promise<void> {
    this.#requireAlive('synchronise');
  }

  async profile<T>(body: () => T | Promise<T>): Promise<Profiled<T>> {
    this.#requireAlive('profile');
    if (this.#profiling) throw new UnsupportedError('profile: a profile is being taken; let it end first');
    const collector = new ProfileCollector();
    this.#profiling = collector;
    const start = performance.now();
    try {
      const result = await body();
      return { result, profile: collector.profile('thread', performance.now() - start) };
    } finally {
      this.#profiling = null;
    }
  }

  async tune(): Promise<never> {
    throw new UnsupportedError('tune: the CPU device has no variants to choose from; tune a WebGPU device');
  }

  memory(): MemoryReport {
    return {
      liveBytes: this.#machine.arena.liveBytes,
      pooledBytes: this.#machine.arena.freeBytes,
      peakBytes: this.#peakBytes,
      storages: this.#storages,
    };
  }

  /** WebAssembly memory cannot shrink: it is given back, by replacing it, only while no tensor lives in it. */
  trim(): void {
    this.#requireAlive('trim');
    if (this.#storages === 0 && this.#machine.arena.freeBytes > 0) this.#machine.renew();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#storages = 0;
    this.#machine.stop();
  }

  /** Makes the call, or notes it in the plan that is being recorded. */
  #call<A>(inputs: readonly CpuStorage[], outputs: readonly CpuStorage[], call: KernelCall<A>): void {
    if (this.#recording)
      this.#recording.add(call.definition.name, inputs, outputs, () => this.#perform(call));
    else this.#perform(call);
  }

  #perform<A>(call: KernelCall<A>): void {
    const start = performance.now();
    const simd = !call.plain && this.#runSimd(call);
    if (!simd) this.#runPlain(call);
    const variant = simd ? 'simd' : 'plain';
    this.#profiling?.add(originOf(call.definition, call.specs, variant), performance.now() - start);
  }

  #runSimd<A>({ definition, specs, inputs, outputs, placement }: KernelCall<A>): boolean {
    if (!definition.simd) return false;
    const working: Block[] = [];
    try {
      return definition.simd({
        inputs: inputs.map(({ offset }) => offset),
        inputSpecs: specs.inputs,
        outputs: outputs.map(({ offset }) => offset),
        outputSpecs: specs.outputs,
        attributes: specs.attributes,
        placement,
        scratch: (bytes) => {
          const block = this.#machine.arena.allocate(bytes);
          working.push(block);
          this.#notePeak();
          return block.offset;
        },
        threads: this.#machine.threads,
        run: (kernel, operands, units, nanoseconds) =>
          this.#machine.run(kernel, operands, units, nanoseconds),
      });
    } finally {
      for (const block of working) this.#machine.arena.release(block);
    }
  }

  #runPlain<A>({ definition, specs, inputs, outputs, placement, into }: KernelCall<A>): void {
    const dense = into ? this.#allocate(elementCount(specs.outputs[0].shape) * 4) : null;
    try {
      const targets = dense ? [dense.place] : outputs;
      const results = targets.map((place, index) => this.#view(place, specs.outputs[index]));
      definition.cpu({
        inputs: inputs.map((place, index) => this.#view(place, specs.inputs[index])),
        inputSpecs: specs.inputs,
        outputs: results,
        outputSpecs: specs.outputs,
        attributes: specs.attributes,
      });
      if (into) scatterRows(results[0], this.#view(outputs[0], into), specs.outputs[0], placement);
    } finally {
      if (dense) this.release(dense);
    }
  }

  /** Memory, or a stand-in for it while a plan is recorded. */
  #take(bytes: number): CpuStorage {
    return this.#recording ? new CpuStorage(this, this.#recording.plan(bytes), bytes) : this.#allocate(bytes);
  }

  #allocate(bytes: number): CpuStorage {
    const block = this.#machine.arena.allocate(bytes);
    const storage = new CpuStorage(this, block, block.bytes);
    this.#storages++;
    this.#notePeak();
    return storage;
  }

  #notePeak(): void {
    this.#peakBytes = Math.max(
      this.#peakBytes,
      this.#machine.arena.liveBytes + this.#machine.arena.freeBytes,
    );
  }

  /** Made for each use: growing the memory detaches every earlier view. */
  #view({ offset }: Place, spec: TensorSpec): DeviceArray {
    const { buffer } = this.#machine.arena.memory;
    const length = elementCount(spec.shape);
    return spec.dtype === 'int32'
      ? new Int32Array(buffer, offset, length)
      : new Float32Array(buffer, offset, length);
  }

  #own(what: string, storage: Storage): CpuStorage {
    if (!(storage instanceof CpuStorage) || storage.owner !== this) {
      throw new UnsupportedError(
        `${what}: the tensor lives on another device; read it there and upload it to this one`,
      );
    }
    if (storage.references <= 0) {
      throw new DisposedError(`${what}: the tensor's memory was released already; retain it for longer use`);
    }
    const planned = plannedPlace(storage);
    if (planned && planned.recording !== this.#recording && what !== 'release') {
      throw new UnsupportedError(
        `${what}: the tensor is part of a plan and holds nothing outside of its runs; return it from the captured function`,
      );
    }
    return storage;
  }

  #requireCallable(op: string, variant: string | undefined): void {
    this.#requireAlive(op);
    if (variant !== undefined && variant !== 'plain') {
      throw new UnsupportedError(
        `${op}: variant '${variant}' asked of the CPU device, which has 'plain' alone`,
      );
    }
  }

  #requireNoRecording(message: string): void {
    if (this.#recording) throw new UnsupportedError(message);
  }

  #requireAlive(what: string): void {
    if (this.#destroyed) {
      throw new DisposedError(`${what}: the CPU device was destroyed; create another`);
    }
  }
}
