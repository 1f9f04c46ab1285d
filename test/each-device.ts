import type { Test } from 'uvu';
import type { Device } from '../src/kernels/device.ts';
import { requestDevice } from '../src/kernels/request-device.ts';
import { adapter, webgpuTest } from './adapter.ts';

/** Declares a test on every device. */
export type DeclareTest = (title: string, body: (device: Device) => void | Promise<void>) => void;

/**
 * Gives a function that declares a test twice, on the CPU device and on WebGPU. Each must leave as many storages on the
 * device as it found, and no failed work.
 */
export async function eachDevice(test: Test): Promise<DeclareTest> {
  const cpu = await requestDevice({ prefer: 'cpu' });
  const gpu = adapter === 'none' ? cpu : await requestDevice({ prefer: 'webgpu' });
  test.after(() => {
    cpu.destroy();
    gpu.destroy();
  });
  return (title, body) => {
    test(`CPU: ${title}`, () => withoutLeak(cpu, body));
    webgpuTest(test)(`WebGPU: ${title}`, () => withoutLeak(gpu, body));
  };
}

/** Runs `body` and throws where it leaves storages or work that failed. */
async function withoutLeak(device: Device, body: (device: Device) => void | Promise<void>): Promise<void> {
  const before = device.memory().storages;
  await body(device);
  await device.synchronise();
  const after = device.memory().storages;
  if (after !== before) throw new Error(`${before} storages before the test, ${after} after it`);
}
