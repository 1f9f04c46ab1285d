import { UnsupportedError } from '../op/errors.ts';
import type { AdapterFacts } from '../op/op.ts';
import { type CallOrigin, type Profile, ProfileCollector, type Profiled } from '../profiling/profile.ts';
import { bufferUsage, mapModeRead } from './gpu-flags.ts';

/** What a timer needs to know of a launch. */
export interface TimedLaunch {
  readonly origin: CallOrigin;
  /** Whether it is the first of its call's launches, by which calls are counted. */
  readonly first: boolean;
}

/** Two queries each; WebGPU allows a set 4096 of them. */
const LAUNCHES_PER_SET = 2048;
const BYTES_PER_QUERY = 8;

/**
 * Times launches by timestamps at the beginning and the end of a compute pass, so each has a pass of its own. Queries
 * come in sets, all of which are resolved when the work is over.
 *
 * A browser may round its timestamps to a tenth of a millisecond; Dawn in Node is asked not to. Software adapters take them
 * from the processor's clock when they come to them, which is exact, since they run one pass after the other.
 */
export class LaunchTimer {
  readonly #gpu: GPUDevice;
  readonly #sets: GPUQuerySet[] = [];
  readonly #launches: TimedLaunch[] = [];

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** The pass in which this launch, and nothing else, is to be encoded. */
  passOf(launch: TimedLaunch): GPUComputePassDescriptor {
    const index = this.#launches.push(launch) - 1;
    const set = Math.floor(index / LAUNCHES_PER_SET);
    if (set === this.#sets.length) {
      const count = 2 * LAUNCHES_PER_SET;
      this.#sets.push(this.#gpu.createQuerySet({ label: 'launch times', type: 'timestamp', count }));
    }
    const first = 2 * (index % LAUNCHES_PER_SET);
    const writes = { beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
    return { timestampWrites: { querySet: this.#sets[set], ...writes } };
  }

  /** The profile of all launches, once they are submitted. */
  async profile(wallMilliseconds: number): Promise<Profile> {
    const collector = new ProfileCollector();
    const sets = await Promise.all(this.#sets.map((set, index) => this.#read(set, index)));
    for (const [index, { origin, first }] of this.#launches.entries()) {
      const times = sets[Math.floor(index / LAUNCHES_PER_SET)];
      const at = 2 * (index % LAUNCHES_PER_SET);
      // Differences of nanoseconds fit a number where the times themselves do not.
      const nanoseconds = Number(times[at + 1] - times[at]);
      // WebGPU allows a clock that is set back in between.
      collector.add(origin, Math.max(nanoseconds, 0) / 1e6, first ? 1 : 0);
    }
    return collector.profile('gpu', wallMilliseconds);
  }

  destroy(): void {
    for (const set of this.#sets) set.destroy();
  }

  async #read(set: GPUQuerySet, index: number): Promise<BigInt64Array> {
    const queries = 2 * Math.min(this.#launches.length - index * LAUNCHES_PER_SET, LAUNCHES_PER_SET);
    const size = queries * BYTES_PER_QUERY;
    const resolved = this.#gpu.createBuffer({
      label: 'resolved launch times',
      size,
      usage: bufferUsage.queryResolve | bufferUsage.copySource,
    });
    const staging = this.#gpu.createBuffer({
      label: 'launch times for reading',
      size,
      usage: bufferUsage.mapRead | bufferUsage.copyDestination,
    });
    try {
      const encoder = this.#gpu.createCommandEncoder();
      encoder.resolveQuerySet(set, 0, queries, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
      this.#gpu.queue.submit([encoder.finish()]);
      await staging.mapAsync(mapModeRead);
      return new BigInt64Array(staging.getMappedRange().slice(0));
    } finally {
      resolved.destroy();
      staging.destroy();
    }
  }
}

/** What a device lends to those who wait for it. */
interface Waiting {
  synchronise(): Promise<void>;
  /** The promise, or a rejection as soon as the device is gone. */
  orGone<T>(promise: Promise<T>): Promise<T>;
}

/** `Device.profile` on WebGPU: times whatever the recorder encodes until the work of `body` is done. */
export async function profileLaunches<T>(
  gpu: GPUDevice,
  adapter: AdapterFacts,
  recorder: { timer: LaunchTimer | null },
  body: () => T | Promise<T>,
  { synchronise, orGone }: Waiting,
): Promise<Profiled<T>> {
  if (!gpu.features.has('timestamp-query')) {
    throw new UnsupportedError(
      `profile: ${adapter.description} has no timestamp queries (WebGPU's feature timestamp-query), so its kernels ` +
        'cannot be timed; profile on the CPU device, or time whole runs',
    );
  }
  // What was recorded before is not part of it.
  await synchronise();
  if (recorder.timer) throw new UnsupportedError('profile: a profile is being taken; let it end first');
  const timer = new LaunchTimer(gpu);
  recorder.timer = timer;
  try {
    const start = performance.now();
    const result = await body();
    await synchronise();
    const wallMilliseconds = performance.now() - start;
    recorder.timer = null;
    return { result, profile: await orGone(timer.profile(wallMilliseconds)) };
  } finally {
    if (recorder.timer === timer) recorder.timer = null;
    timer.destroy();
  }
}
