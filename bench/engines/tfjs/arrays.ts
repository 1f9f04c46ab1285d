import type * as TensorFlow from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { HostArray } from '../../workload.ts';
import type { Arrays, Program } from '../program.ts';
import { untilDone } from '../until-done.ts';

export type Core = typeof TensorFlow;

/** Copies an array to the backend now, not when it is first used. */
export function upload(tf: Core, { data, shape }: HostArray): Tensor {
  const integers = data instanceof Int32Array;
  const tensor = tf.tensor(data, [...shape], integers ? 'int32' : 'float32');
  tf.backend().uploadToGPU?.(tensor.dataId);
  return tensor;
}

export const arraysOf = (tf: Core): Arrays<Tensor> => ({
  async wait(tensor) {
    const element = tf.tidy(() => tf.slice(tf.reshape(tensor, [-1]), [0], [1]));
    await untilDone(element.data());
    element.dispose();
  },
  async read(tensor) {
    const data = await untilDone(tensor.data());
    const shape = [...tensor.shape];
    return { shape, data: tensor.dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data) };
  },
  free: (tensor) => tensor.dispose(),
  ...(tf.getBackend() === 'webgpu' && {
    async gpuTime(work) {
      const { kernelMs } = await untilDone(tf.time(() => void work()));
      if (typeof kernelMs !== 'number') throw new Error(`tfjs could not time its kernels: ${kernelMs.error}`);
      return kernelMs;
    },
  }),
});

/** A program on uploaded operands. */
export function programOn(
  tf: Core,
  operands: readonly HostArray[],
  compute: (...inputs: Tensor[]) => Tensor[],
): Program<Tensor> {
  const inputs = operands.map((operand) => upload(tf, operand));
  return {
    compute: () => tf.tidy(() => compute(...inputs)),
    release() {
      for (const input of inputs) input.dispose();
    },
  };
}
