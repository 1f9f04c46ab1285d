/** The measured peaks of the processor through WebAssembly, on a number of threads at once. */
import type { Roofline } from '../report/results.ts';
import type { PeakAnswer, PeakRequest } from './peak-loops.ts';

/** Bytes that one thread's copy works on: its caches, and memory. */
const WORKING_SETS = [2 ** 18, 2 ** 21, 2 ** 24, 2 ** 27];
const MILLISECONDS = 400;

/** A thread that runs peak-loops.ts. */
export interface PeakThread {
  ask(request: PeakRequest): Promise<PeakAnswer>;
  stop(): unknown;
}

/** The sum of what all threads reach at the same time. */
async function together(threads: readonly PeakThread[], request: PeakRequest): Promise<PeakAnswer> {
  const answers = await Promise.all(threads.map((thread) => thread.ask(request)));
  return { speed: answers.reduce((sum, { speed }) => sum + speed, 0), relaxed: answers[0].relaxed };
}

/** Measures both peaks with so many threads at once. */
export async function measureCpuPeak(count: number, start: () => PeakThread): Promise<Roofline> {
  const threads = Array.from({ length: count }, start);
  try {
    const { speed: flops, relaxed } = await together(threads, {
      kind: 'arithmetic',
      milliseconds: MILLISECONDS,
    });
    const bandwidths = [];
    for (const workingSet of WORKING_SETS) {
      const { speed } = await together(threads, {
        kind: 'copy',
        bytes: workingSet / 2,
        milliseconds: MILLISECONDS,
      });
      bandwidths.push({ workingSet: count * workingSet, bytesPerSecond: speed });
    }
    return {
      flops,
      bandwidths,
      method:
        `float32 multiplies and adds of 128-bit WebAssembly SIMD${relaxed ? ', relaxed so that one instruction does both' : ''}, ` +
        `and memory.copy, on ${count} ${count === 1 ? 'thread' : 'threads at once'}`,
    };
  } finally {
    await Promise.all(threads.map((thread) => thread.stop()));
  }
}
