import type { Tensor } from 'onnxruntime-web';
import type { Engine, HostArray, Prepared, Workload } from '../../workload.ts';
import { wasmFolder } from '../platform.node.ts';
import { prepareWith } from '../preparations.ts';
import { type Arrays, prepared } from '../program.ts';
import { type OnnxWork, onnxWorks } from './graphs.ts';
import { onnxModel } from './onnx-model.ts';

type Runtime = typeof import('onnxruntime-web');

const toTensor = ({ Tensor }: Runtime, { shape, data }: HostArray): Tensor =>
  data instanceof Int32Array ? new Tensor('int32', data, shape) : new Tensor('float32', data, shape);

/**
 * Its threads spin for 30 to 50 ms of processor time after a run (onnxruntime-web 1.30, two threads), whatever
 * `session.intra_op.allow_spinning` says, since they belong to the process and not to a session. In that time two threads of
 * this engine took 4.1 ms for a convolution of 1.3 ms.
 */
const SPINNING_MILLISECONDS = 100;

const spun = () => new Promise<void>((resolve) => setTimeout(resolve, SPINNING_MILLISECONDS));

/** A session is the compiled model, so it is built here and no run compiles. */
async function prepareWork(
  runtime: Runtime,
  { graph, feeds, restore }: OnnxWork,
  threads: number,
): Promise<Prepared> {
  const session = await runtime.InferenceSession.create(onnxModel(graph), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, array]) => [name, toTensor(runtime, array)]),
  );
  const arrays: Arrays<Tensor> = {
    // A run on the processor is over when its promise resolves, with its results copied out of the WebAssembly memory.
    wait: async () => {},
    read: async ({ data, dims }) => {
      const output: HostArray = { shape: [...dims], data };
      return restore ? restore(output) : output;
    },
    free: (tensor) => tensor.dispose(),
  };
  const work = prepared(arrays, {
    async compute() {
      const results = await session.run(inputs);
      return session.outputNames.map((name) => results[name]);
    },
    release: () => void session.release(),
  });
  return threads === 1 ? work : { ...work, settle: spun };
}

/** onnxruntime-web on its WebAssembly provider. `threads` is one number for the whole process. */
export async function onnxruntimeEngine(name: string, threads: number): Promise<Engine> {
  const runtime: Runtime = await import('onnxruntime-web');
  runtime.env.wasm.numThreads = threads;
  runtime.env.wasm.wasmPaths = wasmFolder('onnxruntime-web');
  runtime.env.logLevel = 'error';
  const count = threads === 1 ? 'one thread' : `${threads} threads`;
  return {
    name,
    description:
      `onnxruntime-web ${runtime.env.versions.web}, WebAssembly (SIMD, ${count}), images NCHW; ` +
      'sessions are built before the first run, constants are in the model',
    async prepare(workload: Workload): Promise<Prepared | null> {
      const work = await prepareWith(onnxWorks, workload);
      return work && prepareWork(runtime, work, threads);
    },
    dispose: async () => {},
  };
}
