// @adapters every: the shaders that tell an adapter's peak do all the work that is counted.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { arithmeticVariants, CHAINS, copyVariants } from '../bench/measure/gpu-peak.ts';
import arithmeticSource from '../bench/measure/peak-arithmetic.wgsl';
import copySource from '../bench/measure/peak-copy.wgsl';
import { openAdapter } from '../src/kernels/webgpu/adapter.ts';
import { bufferUsage, mapModeRead } from '../src/kernels/webgpu/gpu-flags.ts';
import { specialise } from '../src/kernels/webgpu/specialise.ts';
import { adapter, webgpuTest } from './adapter.ts';

let gpu: GPUDevice;
test.before(async () => {
  if (adapter !== 'none') gpu = await (await openAdapter()).requestDevice();
});
test.after(() => gpu?.destroy());

/** Runs a shader with one input and gives its output. */
async function run(
  source: string,
  constants: Readonly<Record<string, number | string>>,
  input: Float32Array<ArrayBuffer>,
  outputLength: number,
  workgroups: number,
): Promise<Float32Array> {
  const { text } = specialise({ shader: { name: 'peak', source }, constants });
  const module = gpu.createShaderModule({ code: text });
  const pipeline = await gpu.createComputePipelineAsync({
    layout: 'auto',
    compute: { module, entryPoint: 'main' },
  });
  const { storage, copySource: from, copyDestination: to, mapRead } = bufferUsage;
  const bytes = 4 * outputLength;
  const buffers = [
    gpu.createBuffer({ size: input.byteLength, usage: storage | to }),
    gpu.createBuffer({ size: bytes, usage: storage | from }),
  ];
  gpu.queue.writeBuffer(buffers[0], 0, input);
  const staging = gpu.createBuffer({ size: bytes, usage: mapRead | to });
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    }),
  );
  pass.dispatchWorkgroups(workgroups);
  pass.end();
  encoder.copyBufferToBuffer(buffers[1], 0, staging, 0, bytes);
  gpu.queue.submit([encoder.finish()]);
  await staging.mapAsync(mapModeRead);
  const output = new Float32Array(staging.getMappedRange().slice(0));
  for (const buffer of [...buffers, staging]) buffer.destroy();
  return output;
}

webgpuTest(test)('every variant of the copy copies every element', async () => {
  for (const { constants, workgroups } of copyVariants) {
    // Vectors that fill neither an invocation nor a workgroup.
    const source = Float32Array.from({ length: 4 * 2999 }, (_, index) => index + 1);
    const copied = await run(copySource, constants, source, source.length, workgroups(source.byteLength));
    assert.equal(copied, source, JSON.stringify(constants));
  }
});

webgpuTest(test)('every variant of the arithmetic takes every step of every chain', async () => {
  for (const { lanes, size, constants } of arithmeticVariants) {
    const [steps, factor, addend] = [5, 0.5, 0.25];
    const chosen = { ...constants, STEPS: steps };
    const output = await run(
      arithmeticSource,
      chosen,
      Float32Array.of(factor, addend, 0, 0),
      lanes * size,
      1,
    );
    for (const id of [0, 1, size - 1]) {
      let sum = 0;
      for (let chain = 0; chain < CHAINS; chain++) {
        let x = id + chain * addend;
        for (let step = 0; step < steps; step++) x = x * factor + addend;
        sum += x;
      }
      // The numbers are sums of few powers of two, so they are exact in whatever order.
      for (let lane = 0; lane < lanes; lane++) {
        assert.is(output[id * lanes + lane], sum, JSON.stringify({ ...chosen, id, lane }));
      }
    }
  }
});

test.run();
