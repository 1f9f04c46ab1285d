import type { EkphrasisError } from '../errors.ts';
import type { Launch } from '../op.ts';
import type { DeviceBuffer } from './buffer-pool.ts';
import type { TimedLaunch } from './launch-timer.ts';
import type { Program } from './programs.ts';
import { packUniforms } from './uniforms.ts';

/** A recorded dispatch. */
export interface RecordedLaunch extends TimedLaunch {
  readonly kind: 'launch';
  readonly label: string;
  readonly program: Program;
  readonly buffers: readonly DeviceBuffer[];
  /** Buffers whose former contents and failures are nobody's concern any more: the op has just taken them. */
  readonly fresh: readonly DeviceBuffer[];
  readonly grid: Launch['grid'];
  readonly uniformOffset: number;
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

/** The offset alignment that every WebGPU adapter takes. */
const UNIFORM_ALIGNMENT = 256;

/** Work recorded since the last flush, and all of its uniforms in one block. */
export class Batch {
  readonly items: (RecordedLaunch | RecordedCopy)[] = [];
  launches = 0;
  uniformBytes = 0;
  /** Resolves when the GPU has said whether it took the work; never rejects. Set when the batch is encoded. */
  checked: Promise<void> = Promise.resolve();
  #uniforms = new DataView(new ArrayBuffer(16 * UNIFORM_ALIGNMENT));

  constructor(readonly number: number) {}

  addLaunch(
    label: string,
    program: Program,
    buffers: readonly DeviceBuffer[],
    fresh: readonly DeviceBuffer[],
    { uniforms, grid }: Launch,
    { origin, first }: TimedLaunch,
  ): void {
    const uniformOffset = this.uniformBytes;
    const layout = program.shader.uniforms;
    if (layout) {
      const end = uniformOffset + uniformSlot(layout.bytes);
      this.#reserve(end);
      packUniforms(layout, uniforms ?? {}, this.#uniforms, uniformOffset, program.name);
      this.uniformBytes = end;
    }
    for (const buffer of buffers) buffer.lastBatch = this.number;
    this.items.push({ kind: 'launch', label, program, buffers, fresh, grid, uniformOffset, origin, first });
    this.launches++;
  }

  addCopy(source: DeviceBuffer, target: DeviceBuffer, bytes: number): RecordedCopy {
    const copy: RecordedCopy = { kind: 'copy', source, target, bytes, failure: null };
    source.lastBatch = this.number;
    target.lastBatch = this.number;
    this.items.push(copy);
    return copy;
  }

  /** The uniforms of all launches, each at its offset. */
  get uniforms(): ArrayBuffer {
    return this.#uniforms.buffer as ArrayBuffer;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#uniforms.byteLength) return;
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#uniforms.byteLength));
    larger.set(new Uint8Array(this.uniforms));
    this.#uniforms = new DataView(larger.buffer);
  }
}

/** Bytes that a struct takes in the block of uniforms, and that its binding covers. */
export function uniformSlot(bytes: number): number {
  return Math.ceil(bytes / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT;
}

/** The buffers of a launch that its shader writes. */
export function writtenBuffers(launch: RecordedLaunch): DeviceBuffer[] {
  return launch.buffers.filter((_, index) => launch.program.shader.bindings[index] === 'read_write');
}

/** Why the launch cannot compute what it should: its pipeline, or a buffer that holds the wrong thing. */
export function launchFailure(launch: RecordedLaunch): EkphrasisError | null {
  for (const buffer of launch.fresh) buffer.failure = null;
  if (launch.program.pipeline.failure) return launch.program.pipeline.failure;
  for (const buffer of launch.buffers) {
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
