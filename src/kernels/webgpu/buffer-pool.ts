import type { MemoryReport } from '../device.ts';
import { type EkphrasisError, OutOfMemoryError } from '../op/errors.ts';

/** A GPU buffer that serves one storage after another. */
export class DeviceBuffer {
  /** Number of the last batch of recorded work that uses it. */
  lastBatch = 0;
  /** Why its present contents are not what they should be, or null. */
  failure: EkphrasisError | null = null;
  /** Why it holds nothing at all: the device could not make it. */
  broken: EkphrasisError | null = null;

  constructor(
    readonly gpu: GPUBuffer,
    readonly capacity: number,
    readonly id: number,
  ) {}
}

export interface BufferPoolOptions {
  readonly usage: number;
  readonly label: string;
  /** Bytes kept for reuse at most. */
  readonly capBytes: number;
  readonly maxBufferBytes: number;
  /** Makes a buffer; `failed` is called, later, when the device could not. */
  create(descriptor: GPUBufferDescriptor, failed: (error: EkphrasisError) => void): GPUBuffer;
  /** Called when `broken` was set. */
  broke?(buffer: DeviceBuffer, error: EkphrasisError): void;
  destroyed?(buffer: DeviceBuffer): void;
}

const SMALLEST = 256;
const CLASSES_PER_OCTAVE = 8;
/** A free buffer serves when it is at most this many classes larger, 1.4 times, than what is asked for. */
const CLASSES_ABOVE = 4;

/**
 * Buffers by size class. Recorded but unsubmitted work may still use a released buffer: launches recorded later come
 * after it, so they may take that buffer, but a direct write must not, nor may it be destroyed before the submit.
 */
export class BufferPool {
  readonly #options: BufferPoolOptions;
  readonly #free = new Map<number, DeviceBuffer[]>();
  #doomed: DeviceBuffer[] = [];
  #submittedBatch = 0;
  #nextId = 1;
  #liveBytes = 0;
  #pooledBytes = 0;
  #peakBytes = 0;
  #live = 0;

  constructor(options: BufferPoolOptions) {
    this.#options = options;
  }

  /** A buffer of at least `bytes`, with any contents. `idle` asks for one that no unsubmitted work uses. */
  acquire(bytes: number, idle: boolean): DeviceBuffer {
    const { maxBufferBytes, label } = this.#options;
    if (bytes > maxBufferBytes) {
      throw new OutOfMemoryError(
        `a buffer of ${bytes} bytes was asked for; this adapter's largest is ${maxBufferBytes}: split the tensor or use the CPU device`,
      );
    }
    const buffer = this.#reuse(bytes, idle) ?? this.#create(bytes, label);
    this.#live++;
    this.#liveBytes += buffer.capacity;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes + this.#pooledBytes);
    return buffer;
  }

  release(buffer: DeviceBuffer): void {
    this.#live--;
    this.#liveBytes -= buffer.capacity;
    this.#pooledBytes += buffer.capacity;
    if (buffer.broken) {
      this.#retire(buffer);
      return;
    }
    const list = this.#free.get(buffer.capacity);
    if (list) list.push(buffer);
    else this.#free.set(buffer.capacity, [buffer]);
    this.#shrinkTo(this.#options.capBytes);
  }

  /** Whether no unsubmitted work uses it, so that a direct write is ordered after all that does. */
  isIdle(buffer: DeviceBuffer): boolean {
    return buffer.lastBatch <= this.#submittedBatch;
  }

  /** Says that all batches up to this one are submitted. */
  submitted(batch: number): void {
    this.#submittedBatch = batch;
    const doomed = this.#doomed;
    this.#doomed = [];
    for (const buffer of doomed) this.#retire(buffer);
  }

  /** Gives every free buffer back; those that unsubmitted work still uses, after its submit. */
  trim(): void {
    this.#shrinkTo(0);
  }

  memory(): MemoryReport {
    return {
      liveBytes: this.#liveBytes,
      pooledBytes: this.#pooledBytes,
      peakBytes: this.#peakBytes,
      storages: this.#live,
    };
  }

  #reuse(bytes: number, idle: boolean): DeviceBuffer | undefined {
    let capacity = sizeClass(bytes);
    for (let step = 0; step <= CLASSES_ABOVE; step++) {
      const list = this.#free.get(capacity);
      for (let index = (list?.length ?? 0) - 1; list && index >= 0; index--) {
        const buffer = list[index];
        if (buffer.broken || (idle && !this.isIdle(buffer))) continue;
        list.splice(index, 1);
        this.#pooledBytes -= buffer.capacity;
        return buffer;
      }
      capacity = sizeClass(capacity + 1);
    }
    return undefined;
  }

  #create(bytes: number, label: string): DeviceBuffer {
    const capacity = Math.min(
      sizeClass(bytes),
      this.#options.maxBufferBytes - (this.#options.maxBufferBytes % 4),
    );
    const descriptor = { label, size: capacity, usage: this.#options.usage };
    const buffer: DeviceBuffer = new DeviceBuffer(
      this.#options.create(descriptor, (error) => {
        buffer.broken = error;
        this.#options.broke?.(buffer, error);
      }),
      capacity,
      this.#nextId++,
    );
    return buffer;
  }

  #shrinkTo(bytes: number): void {
    while (this.#pooledBytes - this.#doomedBytes() > bytes) {
      const list = [...this.#free.values()].find((candidates) => candidates.length > 0);
      const buffer = list?.shift();
      if (!buffer) return;
      this.#retire(buffer);
    }
  }

  #doomedBytes(): number {
    return this.#doomed.reduce((sum, buffer) => sum + buffer.capacity, 0);
  }

  #retire(buffer: DeviceBuffer): void {
    if (!this.isIdle(buffer)) {
      this.#doomed.push(buffer);
      return;
    }
    this.#pooledBytes -= buffer.capacity;
    buffer.gpu.destroy();
    this.#options.destroyed?.(buffer);
  }
}

/** The smallest class that holds `bytes`: eight to each doubling, so at most an eighth is wasted. */
function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST;
  const octave = 2 ** Math.floor(Math.log2(bytes - 1));
  const step = Math.max(octave / CLASSES_PER_OCTAVE, 16);
  return Math.ceil(bytes / step) * step;
}
