// Every kernel of every op, in every variant, through Dawn's null backend: it compiles the specialised shaders and
// checks bindings and dispatches as for a hardware GPU, and computes nothing. No adapter is needed.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KernelError } from '../src/kernels/op/errors.ts';
import type { OpDefinition } from '../src/kernels/op/op.ts';
import { densePlacement } from '../src/kernels/op/placement.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { errorOf } from './errors.ts';

const device = await WebGpuDevice.request({ dawn: ['backend=null'] });

test('the null backend stands for a hardware GPU', () => {
  assert.is(device.adapter.cpuLike, false);
});

for (const [name, row] of Object.entries(opTable)) {
  test(`${name}: every sample in every variant is accepted`, async () => {
    const definition = row as OpDefinition<unknown>;
    for (const sample of definition.samples()) {
      const inputs = sample.inputs.map(({ shape, dtype, data }) => ({
        storage: device.upload(dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data)),
        spec: { shape, dtype },
      }));
      const specs = inputs.map(({ spec }) => spec);
      const outputs = definition.infer(specs, sample.attributes);
      const placement = densePlacement(outputs[0]);
      const call = {
        inputs: specs,
        outputs,
        attributes: sample.attributes,
        adapter: device.adapter,
        placement,
      };
      for (const variant of definition.variants?.(call) ?? ['default']) {
        for (const { storage } of device.execute(definition, inputs, sample.attributes, variant)) {
          device.release(storage);
        }
      }
      for (const { storage } of inputs) device.release(storage);
      await device.synchronise();
    }
    assert.is(device.memory().storages, 0);
  });
}

test('what it does not accept is reported', async () => {
  const broken: typeof opTable.fill = {
    ...opTable.fill,
    wgsl: () => [
      {
        shader: {
          name: 'broken.wgsl',
          source: `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
            @compute @workgroup_size(4) fn main() { y[0] = 1u; }`,
        },
        grid: [1, 1, 1],
      },
    ],
  };
  const [output] = device.execute(broken, [], { shape: [4], dtype: 'float32', value: 1 });
  const { message } = await errorOf(KernelError, () => device.synchronise());
  assert.match(message, /fill \(broken\.wgsl\) does not compile: line 2:\d+: .*y\[0\] = 1u/);
  device.release(output.storage);
});

test.after(() => device.destroy());

test.run();
