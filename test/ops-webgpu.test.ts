// @adapters every: the kernels of every op, in every variant.
import { test } from 'uvu';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { adapter, webgpuTest } from './adapter.ts';
import { opCases } from './op-suite.ts';

const device = adapter === 'none' ? null : await WebGpuDevice.request();

for (const { name, run } of opCases()) {
  webgpuTest(test)(`WebGPU: ${name}`, async () => {
    if (device) await run(device);
  });
}

test.after(() => device?.destroy());

test.run();
