import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine, Prepared, Workload } from '../../workload.ts';
import { provideWebGpu, wasmFolder } from '../platform.node.ts';
import { type Preparations, prepareWith, type WorkloadOf } from '../preparations.ts';
import { type Program, prepared, timed } from '../program.ts';
import { arraysOf, type Core } from './arrays.ts';
import { decoderTraining } from './decoder-training.ts';
import { prepareDecoding } from './decoding.ts';
import { encoderTraining, inceptionPrograms } from './inception.ts';
import { operations } from './operations.ts';

export type TfjsBackend = 'webgpu' | 'wasm' | 'cpu';

/** Loads a backend's package, ready for `setBackend`. What it returns tells people how the started backend is set up. */
async function loadBackend(backend: TfjsBackend, threads: number): Promise<() => string> {
  if (backend === 'webgpu') {
    await provideWebGpu();
    await import('@tensorflow/tfjs-backend-webgpu');
    return () => 'backend webgpu';
  }
  if (backend === 'cpu') {
    await import('@tensorflow/tfjs-backend-cpu');
    return () => 'backend cpu (plain JavaScript)';
  }
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(wasmFolder('@tensorflow/tfjs-backend-wasm'));
  // With one thread it takes the build without threads, with SIMD.
  wasm.setThreadsCount(threads);
  return () => {
    // In Node it keeps to one thread, https://github.com/tensorflow/tfjs/issues/3830, and in a page that is not isolated.
    const got = wasm.getThreadsCount();
    const count = got === 1 ? 'one thread' : `${got} threads`;
    return `backend wasm (SIMD, ${count}${got < threads ? `: it takes no more here, of ${threads}` : ''})`;
  };
}

/**
 * The current backend is state of the whole process, so every call chooses it anew; that costs nothing where it is the
 * current one already.
 */
function selecting(inner: Prepared, select: () => void): Prepared {
  const selected =
    <Result>(work: () => Result) =>
    () => {
      select();
      return work();
    };
  return {
    ...(inner.gpuTime && { gpuTime: selected(inner.gpuTime) }),
    run: selected(() => inner.run()),
    finish: selected(() => inner.finish()),
    outputs: selected(() => inner.outputs()),
    dispose: selected(() => inner.dispose()),
  };
}

const needsLayers = new Set<Workload['kind']>(['decode', 'decoderTraining', 'encoderTraining']);

/** TensorFlow.js on one of its backends. `threads` is for wasm, and one number for the whole process. */
export async function tfjsEngine(name: string, backend: TfjsBackend, threads: number): Promise<Engine> {
  const describe = await loadBackend(backend, threads);
  const tf: Core = await import('@tensorflow/tfjs-core');
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs cannot start its backend "${backend}"`);
  const select = () => {
    // Once a backend has started, setting it is done when the call returns.
    if (tf.getBackend() !== backend) void tf.setBackend(backend);
  };
  const programs: Preparations<Program<Tensor>> = {
    ...operations(tf),
    ...inceptionPrograms(tf),
    // The wasm backend has no gradient of convolution with respect to the kernel, and none of gather.
    ...(backend !== 'wasm' && {
      ...encoderTraining(tf),
      decoderTraining: (workload: WorkloadOf<'decoderTraining'>) => decoderTraining(tf, workload),
    }),
  };
  return {
    name,
    description: `TensorFlow.js ${tf.version_core}, ${describe()}`,
    async prepare(workload: Workload): Promise<Prepared | null> {
      // Of the layers package, decoding needs its layers, and training that it registers the gradients of all operations.
      const keras = needsLayers.has(workload.kind) ? await import('@tensorflow/tfjs-layers') : null;
      select();
      if (workload.kind === 'decode' && keras) {
        return selecting(timed(prepareDecoding(tf, keras, workload), arraysOf(tf)), select);
      }
      const program = await prepareWith(programs, workload);
      return program && selecting(prepared(arraysOf(tf), program), select);
    },
    async dispose() {
      tf.removeBackend(backend);
    },
  };
}
