/** The measured peaks of the processor through WebAssembly, on a number of threads at once. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Roofline } from '../report/results.ts';
import type { PeakAnswer, PeakRequest } from './cpu-peak-worker.ts';

/** Bytes that one thread's copy works on: its caches, and memory. */
const WORKING_SETS = [2 ** 18, 2 ** 21, 2 ** 24, 2 ** 27];
const MILLISECONDS = 400;

/** The sum of what all workers reach at the same time. */
async function together(workers: readonly Worker[], request: PeakRequest): Promise<PeakAnswer> {
  const answers = await Promise.all(
    workers.map(async (worker) => {
      const answered = once(worker, 'message');
      worker.postMessage(request);
      const [answer]: PeakAnswer[] = await answered;
      return answer;
    }),
  );
  return { speed: answers.reduce((sum, { speed }) => sum + speed, 0), relaxed: answers[0].relaxed };
}

/** Measures both peaks with so many threads; `workerFile` is the built cpu-peak-worker.ts. */
export async function measureCpuPeak(threads: number, workerFile: URL): Promise<Roofline> {
  const workers = Array.from({ length: threads }, () => new Worker(workerFile));
  try {
    const { speed: flops, relaxed } = await together(workers, {
      kind: 'arithmetic',
      milliseconds: MILLISECONDS,
    });
    const bandwidths = [];
    for (const workingSet of WORKING_SETS) {
      const { speed } = await together(workers, {
        kind: 'copy',
        bytes: workingSet / 2,
        milliseconds: MILLISECONDS,
      });
      bandwidths.push({ workingSet: threads * workingSet, bytesPerSecond: speed });
    }
    return {
      flops,
      bandwidths,
      method:
        `float32 multiplies and adds of 128-bit WebAssembly SIMD${relaxed ? ', relaxed so that one instruction does both' : ''}, ` +
        `and memory.copy, on ${threads} ${threads === 1 ? 'thread' : 'threads at once'}`,
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
