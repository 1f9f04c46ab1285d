/** The measuring process: one adapter, or one number of threads, since both are fixed when a process starts. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { restBetweenPolls } from '../../src/kernels/webgpu/gpu.node.ts';
import { measureCpuPeak, type PeakThread } from './cpu-peak.ts';
import { measureGpuPeak, type Tell, warmGpu } from './gpu-peak.ts';
import type { Reply, Request, RooflineRequest } from './protocol.ts';
import { requestHandler } from './request-handler.ts';
import { withGpu } from './with-gpu.ts';

async function wait(done: Promise<unknown>): Promise<void> {
  let waiting = true;
  restBetweenPolls(() => waiting);
  try {
    await done;
  } finally {
    waiting = false;
  }
}

function startPeakThread(): PeakThread {
  const worker = new Worker(new URL('cpu-peak-worker.js', import.meta.url));
  return {
    async ask(request) {
      worker.postMessage(request);
      const [answer] = await once(worker, 'message');
      return answer;
    },
    stop: () => worker.terminate(),
  };
}

const platform = {
  warmDriver: () => withGpu((gpu) => warmGpu(gpu, wait)),
  measureRoofline: ({ device, threads }: RooflineRequest, tell: Tell) =>
    device === 'cpu'
      ? measureCpuPeak(threads ?? 1, startPeakThread)
      : withGpu((gpu) => measureGpuPeak(gpu, wait, tell)),
};

const say = (reply: Reply) => process.send?.(reply);
const answer = requestHandler(platform, say);

process.on('message', async (request: Request) => {
  try {
    say({ kind: 'answer', answer: await answer(request) });
  } catch (error) {
    say({ kind: 'error', message: error instanceof Error ? error.message : String(error) });
  }
});
// The command is gone: nobody waits for the rest.
process.on('disconnect', () => process.exit());
