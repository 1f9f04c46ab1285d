import { openAdapter } from '../../src/kernels/webgpu/adapter.ts';
import { deviceDescriptor } from '../../src/kernels/webgpu/adapter-facts.ts';

/** Opens a device with all that the engine asks of an adapter, for one piece of work. */
export async function withGpu<T>(work: (gpu: GPUDevice) => Promise<T>): Promise<T> {
  const adapter = await openAdapter();
  const gpu = await adapter.requestDevice(deviceDescriptor(adapter));
  try {
    return await work(gpu);
  } finally {
    gpu.destroy();
  }
}
