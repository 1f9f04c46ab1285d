// @adapters every: the adapter that the run names is the one that Dawn gives.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { create } from 'webgpu';
import {
  adapterEnvironment,
  adapterKinds,
  describeProbe,
  icdFile,
  probeAdapter,
} from '../scripts/adapters.mjs';
import { fetchedChromium } from '../scripts/chromium.mjs';
import { adapter, webgpuTest } from './adapter.ts';

const names: Record<string, RegExp> = { lavapipe: /llvmpipe/, swiftshader: /SwiftShader/, system: /./ };

webgpuTest(test)(`Dawn gives the adapter that this run is for: ${adapter}`, async () => {
  const gpu = create([]);
  const found = await gpu.requestAdapter();
  assert.ok(found, `no adapter although the run says ${adapter}`);
  const { description, vendor, architecture, device } = found.info;
  assert.match(`${description} ${vendor} ${architecture} ${device}`, names[adapter]);
});

webgpuTest(test)('a compute pass runs on it and its result can be read', async () => {
  const gpu = create([]);
  const found = await gpu.requestAdapter();
  assert.ok(found);
  const device = await found.requestDevice();
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read_write> values: array<u32>;
      @compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&values)) { values[id.x] = id.x * id.x; }
      }`,
  });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const count = 70;
  const values = device.createBuffer({ size: count * 4, usage: 0x80 | 0x04 }); // STORAGE | COPY_SRC
  const staging = device.createBuffer({ size: count * 4, usage: 0x01 | 0x08 }); // MAP_READ | COPY_DST
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: values } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(Math.ceil(count / 32));
  pass.end();
  encoder.copyBufferToBuffer(values, 0, staging, 0, count * 4);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  const read = Array.from(new Uint32Array(staging.getMappedRange().slice(0)));
  device.destroy();
  assert.ok(gpu, 'held until here: once Dawn is collected, its promises no longer settle');
  assert.equal(
    read,
    Array.from({ length: count }, (_, index) => index * index),
  );
});

test('without a driver there is no adapter, and the probe says which state each is in', async () => {
  for (const probe of await Promise.all(adapterKinds.map(probeAdapter))) {
    assert.match(probe.state, /^(works|absent|refused)$/);
    assert.match(describeProbe(probe), new RegExp(`^${probe.kind}: ${probe.state}, .+`));
    if (probe.kind === adapter) assert.is(probe.state, 'works');
  }
});

test('the environment of a driver names its file alone, and the loader that a fetched one brings', () => {
  assert.equal(adapterEnvironment('system'), {});
  for (const kind of ['lavapipe', 'swiftshader']) {
    const path = icdFile(kind);
    if (!path) {
      assert.throws(() => adapterEnvironment(kind), /npm run setup/);
      continue;
    }
    const { LD_LIBRARY_PATH, ...driver } = adapterEnvironment(kind);
    assert.equal(driver, { VK_ICD_FILENAMES: path, VK_DRIVER_FILES: path });
    const fetched = path.startsWith(fetchedChromium.folder);
    assert.is(LD_LIBRARY_PATH?.split(':')[0], fetched ? fetchedChromium.folder : undefined);
  }
});

test.run();
