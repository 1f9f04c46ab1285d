import type { EkphrasisError } from '../op/errors.ts';
import type { Launch } from '../op/op.ts';
import type { DeviceBuffer } from './buffer-pool.ts';
import type { LaunchSequence } from './launch-sequence.ts';
import type { TimedLaunch } from './launch-timer.ts';
import type { Dispatch } from './pass-encoder.ts';
import type { Pipeline } from './pipelines.ts';
import type { Program } from './programs.ts';
import { UniformData } from './uniform-block.ts';

/** A recorded dispatch. */
export interface RecordedLaunch extends Dispatch {
  readonly kind: 'launch';
  readonly label: string;
  readonly program: Program;
  readonly buffers: readonly DeviceBuffer[];
  /** Buffers whose former contents and failures are nobody's concern any more: the op has just taken them. */
  readonly fresh: readonly DeviceBuffer[];
}

/** A recorded run of a plan, which fails or succeeds as a whole. */
export interface RecordedRun {
  readonly kind: 'run';
  readonly sequence: LaunchSequence;
  /** The inputs and outputs of this run, by the numbers that the sequence knows them by. */
  readonly bound: readonly DeviceBuffer[];
  /** All that it reads or writes. */
  readonly buffers: readonly DeviceBuffer[];
  /** Those of them that it writes, all of them anew. */
  readonly fresh: readonly DeviceBuffer[];
}

/** A recorded copy to a staging buffer. */
export interface RecordedCopy {
  readonly kind: 'copy';
  readonly source: DeviceBuffer;
  readonly target: DeviceBuffer;
  readonly bytes: number;
  /** Why the source's contents are not what they should be, once that is known. */
  failure: EkphrasisError | null;
}

/** Work recorded since the last flush, and all of its uniforms in one block. */
export class Batch {
  readonly items: (RecordedLaunch | RecordedRun | RecordedCopy)[] = [];
  readonly uniforms = new UniformData();
  launches = 0;

  constructor(readonly number: number) {}

  addLaunch(
    label: string,
    program: Program,
    buffers: readonly DeviceBuffer[],
    fresh: readonly DeviceBuffer[],
    { uniforms, grid }: Launch,
    { origin, first }: TimedLaunch,
  ): void {
    const uniformOffset = [this.uniforms.append(program.shader.uniforms, uniforms, program.name)] as const;
    for (const buffer of buffers) buffer.lastBatch = this.number;
    this.items.push({ kind: 'launch', label, program, buffers, fresh, grid, uniformOffset, origin, first });
    this.launches++;
  }

  addRun(run: RecordedRun): void {
    for (const buffer of run.buffers) buffer.lastBatch = this.number;
    this.items.push(run);
    this.launches++;
  }

  addCopy(source: DeviceBuffer, target: DeviceBuffer, bytes: number): RecordedCopy {
    const copy: RecordedCopy = { kind: 'copy', source, target, bytes, failure: null };
    source.lastBatch = this.number;
    target.lastBatch = this.number;
    this.items.push(copy);
    return copy;
  }

  /** The ops in it, for messages: `8 launches of matmul (gemm.wgsl), add (binary.wgsl)`. */
  get description(): string {
    const labels = this.items.flatMap((item) => {
      if (item.kind === 'copy') return [];
      return item.kind === 'launch' ? [item.label] : [item.sequence.label];
    });
    return `${this.launches} launches of ${[...new Set(labels)].join(', ') || 'nothing'}`;
  }
}

/** The pipelines that must be compiled before the work can be encoded. */
export function pipelinesOf(item: RecordedLaunch | RecordedRun | RecordedCopy): readonly Pipeline[] {
  if (item.kind === 'copy') return [];
  return item.kind === 'launch' ? [item.program.pipeline] : item.sequence.pipelines;
}

/** The buffers that a launch or a run writes. */
export function writtenBuffers(item: RecordedLaunch | RecordedRun): readonly DeviceBuffer[] {
  if (item.kind === 'run') return item.fresh;
  return item.buffers.filter((_, index) => item.program.shader.bindings[index] === 'read_write');
}

/** Why the work cannot compute what it should: a pipeline, or a buffer that holds the wrong thing. */
export function failureOf(item: RecordedLaunch | RecordedRun): EkphrasisError | null {
  for (const buffer of item.fresh) buffer.failure = null;
  for (const pipeline of pipelinesOf(item)) if (pipeline.failure) return pipeline.failure;
  for (const buffer of item.buffers) {
    const failure = buffer.broken ?? buffer.failure;
    if (failure) return failure;
  }
  return null;
}

/**
 * Spreads failures that became known only after encoding: from the buffers in `failed` to everything that later work
 * computed from them. Errs towards too many where a buffer was overwritten in between.
 */
export function spreadFailure(
  failure: EkphrasisError,
  failed: Iterable<DeviceBuffer>,
  batches: readonly Batch[],
): void {
  const tainted = new Set(failed);
  for (const batch of batches) {
    for (const item of batch.items) {
      if (item.kind === 'copy') {
        if (tainted.has(item.source)) item.failure ??= failure;
      } else if (item.buffers.some((buffer) => tainted.has(buffer))) {
        for (const buffer of writtenBuffers(item)) tainted.add(buffer);
      }
    }
  }
  for (const buffer of tainted) buffer.failure ??= failure;
}
