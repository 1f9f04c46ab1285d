/** The measuring page: the same engines and cases as in Node, in a browser. */
import { adapterFacts } from '../../src/kernels/webgpu/adapter-facts.ts';
import { measureCpuPeak, type PeakThread } from '../measure/cpu-peak.ts';
import { measureGpuPeak, type Tell, warmGpu } from '../measure/gpu-peak.ts';
import type { RooflineRequest } from '../measure/protocol.ts';
import { requestHandler } from '../measure/request-handler.ts';
import { withGpu } from '../measure/with-gpu.ts';
import './page-interface.ts';

// The browser has its GPU in another process and tells when it is done.
const wait = async (done: Promise<unknown>) => void (await done);

function startPeakThread(): PeakThread {
  const worker = new Worker(new URL('cpu-peak.js', import.meta.url), { type: 'module' });
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(`the worker of the peak failed: ${message}`));
        worker.postMessage(request);
      }),
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

window.answer = requestHandler(platform, (reply) => void window.say(reply));

window.describeAdapter = async () => {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return null;
  const { description, vendor, architecture, cpuLike } = adapterFacts(adapter);
  const words = [description, vendor, architecture].filter((word) => word !== '');
  return { description: [...new Set(words)].join(', '), software: cpuLike };
};
