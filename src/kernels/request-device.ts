import { CpuDevice } from './cpu/cpu-device.ts';
import type { Device } from './device.ts';
import { NoAdapterError, UnsupportedError } from './op/errors.ts';
import { hardwareMayExist, openAdapter } from './webgpu/adapter.ts';
import { adapterFacts } from './webgpu/adapter-facts.ts';
import { WebGpuDevice } from './webgpu/webgpu-device.ts';

export interface DeviceOptions {
  /**
   * 'webgpu' takes the WebGPU adapter whatever it is, 'cpu' the CPU device; 'auto' (the default) takes the WebGPU
   * adapter where that is a real GPU, else the CPU device. The device's `description` says what was chosen and why.
   */
  readonly prefer?: 'auto' | 'webgpu' | 'cpu';
  /** Threads of the CPU device, from 1; one a processor and at most eight when not given. */
  readonly threads?: number;
}

/**
 * Opens a device. Throws NoAdapterError, saying what to install, where 'webgpu' is asked for and there is none, and
 * UnsupportedError for another `prefer` than the three, or `threads` that are no whole number from 1.
 */
export async function requestDevice({ prefer = 'auto', threads }: DeviceOptions = {}): Promise<Device> {
  if (!['auto', 'webgpu', 'cpu'].includes(prefer)) {
    throw new UnsupportedError(`requestDevice: prefer "${prefer}" was given; give auto, webgpu or cpu`);
  }
  if (prefer === 'cpu') return CpuDevice.create({ threads, reason: 'as asked' });
  if (prefer === 'webgpu') return WebGpuDevice.on(await openAdapter(), 'as asked');
  if (!hardwareMayExist()) return CpuDevice.create({ threads, reason: 'this machine has no GPU' });
  let adapter: GPUAdapter;
  try {
    adapter = await openAdapter();
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    return CpuDevice.create({ threads, reason: 'there is no WebGPU adapter' });
  }
  const { cpuLike, description } = adapterFacts(adapter);
  if (!cpuLike) return WebGpuDevice.on(adapter, 'a hardware GPU');
  // InceptionV3 on one photograph, two cores: SwiftShader 4.3 s, lavapipe 1.0 s, the CPU device 0.33 s.
  return CpuDevice.create({
    threads,
    reason: `faster than the only WebGPU adapter, ${description}, which is software`,
  });
}
