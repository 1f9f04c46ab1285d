// @adapters every: the kernels of every op, in every variant; in the small round in the variant that the device takes.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { adapter, small, webgpuTest } from './adapter.ts';
import { opCases } from './op-suite.ts';

const device = adapter === 'none' ? null : await WebGpuDevice.request();

for (const { name, run } of opCases({ variants: small ? 'chosen' : 'every' })) {
  webgpuTest(test)(`WebGPU: ${name}`, async () => {
    if (device) await run(device);
  });
}

webgpuTest(test)('WebGPU: more workgroups than one dimension holds', async () => {
  if (!device) return;
  const [rows, columns] = [65_537, 65];
  const data = Float32Array.from({ length: rows * columns }, (_, index) => index % 1000);
  const x = { storage: device.upload(data), spec: { shape: [rows, columns], dtype: 'float32' } } as const;
  const [negative] = device.run('negate', [x], {});
  const [largest] = device.run('max', [x], { axes: [1], keepDimensions: false }, 'lanes64');
  const read = await device.read(negative);
  assert.is(
    read.findIndex((value, index) => value !== -data[index]),
    -1,
  );
  const largestOfRow = (row: number) =>
    data.subarray(row * columns, (row + 1) * columns).reduce((a, b) => Math.max(a, b));
  const found = await device.read(largest);
  assert.is(
    found.findIndex((value, row) => value !== largestOfRow(row)),
    -1,
  );
  for (const { storage } of [x, negative, largest]) device.release(storage);
});

test.after(() => device?.destroy());

test.run();
