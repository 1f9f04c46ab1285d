import { type EkphrasisError, KernelError, OutOfMemoryError } from '../op/errors.ts';
import type { Launch } from '../op/op.ts';
import {
  Batch,
  failureOf,
  pipelinesOf,
  type RecordedCopy,
  type RecordedLaunch,
  type RecordedRun,
  spreadFailure,
  writtenBuffers,
} from './batch.ts';
import type { BindGroupCache } from './bind-groups.ts';
import type { DeviceBuffer } from './buffer-pool.ts';
import type { LaunchTimer, TimedLaunch } from './launch-timer.ts';
import { PassEncoder } from './pass-encoder.ts';
import { messageOf, type PipelineCache } from './pipelines.ts';
import type { Program } from './programs.ts';
import { UniformBlock } from './uniform-block.ts';

/** Launches that are collected before they are submitted unasked, so that the GPU starts while we go on recording. */
const LAUNCHES_PER_BATCH = 128;

/** Collects launches and copies, submits them in order, and remembers what went wrong. */
export class Recorder {
  /** Times every launch that is encoded while it is set. */
  timer: LaunchTimer | null = null;
  readonly #gpu: GPUDevice;
  readonly #bindGroups: BindGroupCache;
  readonly #uniforms: UniformBlock;
  readonly #submitted: (batch: number) => void;
  #batch = new Batch(1);
  /** Encodes batches one after another. */
  #encoding: Promise<void> = Promise.resolve();
  #batchesWaiting = 0;
  /** Resolves when all that was created and submitted so far has been checked by the GPU. Never rejects. */
  #checks: Promise<void> = Promise.resolve();
  /** Encoded, but not known to be sound yet. */
  #unchecked: Batch[] = [];
  #remembered: EkphrasisError | null = null;
  #stopped = false;

  /** `submitted` hears the number of each batch once the GPU's queue has it. */
  constructor(
    gpu: GPUDevice,
    pipelines: PipelineCache,
    bindGroups: BindGroupCache,
    submitted: (batch: number) => void,
  ) {
    this.#gpu = gpu;
    this.#bindGroups = bindGroups;
    this.#uniforms = new UniformBlock(gpu, pipelines.uniformLayout);
    this.#submitted = submitted;
  }

  launch(
    label: string,
    program: Program,
    buffers: readonly DeviceBuffer[],
    fresh: readonly DeviceBuffer[],
    launch: Launch,
    timed: TimedLaunch,
  ): void {
    this.#batch.addLaunch(label, program, buffers, fresh, launch, timed);
    if (this.#batch.launches >= LAUNCHES_PER_BATCH) this.flush();
  }

  /** A run of a plan counts as one launch: it is submitted whole. */
  run(run: RecordedRun): void {
    this.#batch.addRun(run);
  }

  copy(source: DeviceBuffer, target: DeviceBuffer, bytes: number): RecordedCopy {
    return this.#batch.addCopy(source, target, bytes);
  }

  /** Submits what is recorded: at once if its pipelines are compiled and nothing is before it, else when they are. */
  flush(): void {
    const batch = this.#batch;
    if (batch.items.length === 0) return;
    this.#batch = new Batch(batch.number + 1);
    const compiling = new Set<Promise<void>>();
    for (const { compiled, failure, settled } of batch.items.flatMap(pipelinesOf)) {
      if (!compiled && !failure) compiling.add(settled);
    }
    if (this.#batchesWaiting === 0 && compiling.size === 0) {
      this.#encode(batch);
      return;
    }
    this.#batchesWaiting++;
    this.#encoding = this.#encoding
      .then(() => Promise.all(compiling))
      .then(() => {
        this.#batchesWaiting--;
        this.#encode(batch);
      });
  }

  /** Calls `action` once all that is recorded now is submitted. */
  afterSubmit(action: () => void): void {
    this.flush();
    if (this.#batchesWaiting === 0) action();
    else this.#encoding = this.#encoding.then(action);
  }

  /** Resolves when all that was flushed is submitted and checked. Never rejects: see `takeFailure`. */
  async settled(): Promise<void> {
    await this.#encoding;
    await this.#checks;
  }

  /** The first failure since the last call, or null. */
  takeFailure(): EkphrasisError | null {
    const failure = this.#remembered;
    this.#remembered = null;
    return failure;
  }

  remember(failure: EkphrasisError): void {
    this.#remembered ??= failure;
  }

  /** Runs `create` and calls `failed` later should the device be unable to. */
  createBuffer(descriptor: GPUBufferDescriptor, failed: (error: EkphrasisError) => void): GPUBuffer {
    this.#pushScopes();
    try {
      return this.#gpu.createBuffer(descriptor);
    } finally {
      this.#popScopes(`a buffer of ${descriptor.size} bytes`, failed);
    }
  }

  /** A buffer turned out not to exist: what was computed from it is void. */
  broke(buffer: DeviceBuffer, error: EkphrasisError): void {
    this.remember(error);
    spreadFailure(error, [buffer], this.#unchecked);
  }

  /** Drops what is recorded and encodes nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#batch = new Batch(this.#batch.number + 1);
  }

  #encode(batch: Batch): void {
    if (this.#stopped) return;
    this.#unchecked.push(batch);
    this.#pushScopes();
    try {
      const encoder = this.#gpu.createCommandEncoder({ label: `batch ${batch.number}` });
      this.#encodeItems(batch, encoder);
      this.#gpu.queue.submit([encoder.finish()]);
    } catch (error) {
      this.#batchFailed(batch, new KernelError(`submitting ${batch.description}: ${messageOf(error)}`));
    } finally {
      this.#popScopes(batch.description, (error) => this.#batchFailed(batch, error));
      this.#checks = this.#checks.then(() => {
        this.#unchecked = this.#unchecked.filter((other) => other !== batch);
      });
    }
    this.#submitted(batch.number);
  }

  #encodeItems(batch: Batch, encoder: GPUCommandEncoder): void {
    this.#uniforms.write(batch.uniforms);
    const pass = new PassEncoder(encoder, this.timer);
    for (const item of batch.items) {
      if (item.kind === 'copy') {
        item.failure = item.source.broken ?? item.source.failure ?? item.target.broken;
        if (!item.failure) pass.copy(item.source.gpu, item.target.gpu, item.bytes);
        continue;
      }
      const failure = failureOf(item);
      if (failure) {
        for (const buffer of writtenBuffers(item)) buffer.failure = failure;
        for (const pipeline of pipelinesOf(item)) if (pipeline.failure) this.remember(pipeline.failure);
      } else if (item.kind === 'run') item.sequence.encode(pass, item.bound);
      else this.#encodeLaunch(pass, item);
    }
    pass.end();
  }

  #encodeLaunch(pass: PassEncoder, launch: RecordedLaunch): void {
    const { pipeline, shader } = launch.program;
    const storage = this.#bindGroups.get(pipeline, launch.buffers, launch.label);
    const uniforms = shader.uniforms ? this.#uniforms.group(shader.uniforms.bytes) : null;
    pass.dispatch(pipeline.compiled as GPUComputePipeline, storage, uniforms, launch);
  }

  /** The GPU refused the whole submit, so nothing in it has run. */
  #batchFailed(batch: Batch, failure: EkphrasisError): void {
    this.remember(failure);
    const written = batch.items.flatMap((item) => (item.kind === 'copy' ? [] : writtenBuffers(item)));
    for (const item of batch.items) if (item.kind === 'copy') item.failure ??= failure;
    spreadFailure(failure, written, this.#unchecked.slice(this.#unchecked.indexOf(batch)));
  }

  #pushScopes(): void {
    for (const filter of ['internal', 'out-of-memory', 'validation'] as const)
      this.#gpu.pushErrorScope(filter);
  }

  #popScopes(what: string, failed: (error: EkphrasisError) => void): void {
    // A lost device has no scopes to ask; whoever waits hears of the loss itself.
    const pop = () => this.#gpu.popErrorScope().catch(() => null);
    const popped = Promise.all([pop(), pop(), pop()]).then(([validation, memory, internal]) => {
      if (memory) failed(new OutOfMemoryError(`the device has no memory for ${what}: ${memory.message}`));
      else if (validation ?? internal) {
        failed(new KernelError(`${what} was refused: ${(validation ?? internal)?.message}`));
      }
    });
    this.#checks = this.#checks.then(() => popped);
  }
}
