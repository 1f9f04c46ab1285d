/** The measured peaks of a WebGPU adapter: multiply-adds in registers, and a copy. */
import { bufferUsage } from '../../src/kernels/webgpu/gpu-flags.ts';
import { specialise } from '../../src/kernels/webgpu/specialise.ts';
import type { Roofline } from '../report/results.ts';
import arithmeticSource from './peak-arithmetic.wgsl';
import copySource from './peak-copy.wgsl';

/** Sizes of copies: caches of processors and of GPUs, and memory. The working set is twice as large. */
const COPY_BYTES = [2 ** 19, 2 ** 22, 2 ** 25, 2 ** 27];
const MOST_WORKGROUPS = 65535;
const WORKGROUP_SIZE = 64;
/** A measurement lasts this long at least, so that submitting and waiting weigh little. */
const LEAST_MILLISECONDS = 40;
const ATTEMPTS = 3;

/** Waits for the GPU; in Node the caller has to give up its core meanwhile, see `restBetweenPolls`. */
export type Wait = (done: Promise<unknown>) => Promise<void>;

/** Told what is measured next. */
export type Tell = (step: string) => void;

interface Bench {
  readonly gpu: GPUDevice;
  readonly wait: Wait;
}

async function compile(
  { gpu }: Bench,
  name: string,
  source: string,
  constants: Readonly<Record<string, number | string>>,
): Promise<GPUComputePipeline> {
  const { text } = specialise({ shader: { name, source }, constants });
  const module = gpu.createShaderModule({ label: name, code: text });
  return gpu.createComputePipelineAsync({
    label: name,
    layout: 'auto',
    compute: { module, entryPoint: 'main' },
  });
}

/** Milliseconds of `repeats` dispatches until the GPU is done with them. */
async function time(
  { gpu, wait }: Bench,
  pipeline: GPUComputePipeline,
  group: GPUBindGroup,
  workgroups: number,
  repeats: number,
): Promise<number> {
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  for (let i = 0; i < repeats; i++) pass.dispatchWorkgroups(workgroups);
  pass.end();
  const start = performance.now();
  gpu.queue.submit([encoder.finish()]);
  await wait(gpu.queue.onSubmittedWorkDone());
  return performance.now() - start;
}

/** The shortest seconds of one dispatch, of several attempts that each last long enough. */
async function shortest(
  bench: Bench,
  pipeline: GPUComputePipeline,
  group: GPUBindGroup,
  workgroups: number,
): Promise<number> {
  let repeats = 1;
  let elapsed = await time(bench, pipeline, group, workgroups, repeats);
  while (elapsed < LEAST_MILLISECONDS && repeats < 1 << 14) {
    repeats *= 2;
    elapsed = await time(bench, pipeline, group, workgroups, repeats);
  }
  let best = elapsed / repeats;
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    best = Math.min(best, (await time(bench, pipeline, group, workgroups, repeats)) / repeats);
  }
  return best / 1000;
}

function bind(
  { gpu }: Bench,
  pipeline: GPUComputePipeline,
  buffers: readonly [GPUBuffer, GPUBuffer],
): GPUBindGroup {
  return gpu.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
}

/** Chains in the arithmetic shader, each of which does two operations a step and lane. */
export const CHAINS = 8;
const STEPS = 64;

/** What of the arithmetic shader is tried out: lanes of a register, and whether it says fma. */
export const arithmeticVariants = ['f32', 'vec4<f32>'].flatMap((lane) =>
  [1, 0].map((fused) => ({
    lanes: lane === 'f32' ? 1 : 4,
    size: WORKGROUP_SIZE,
    constants: { WORKGROUP_SIZE, STEPS, FUSED: fused, Lane: lane },
  })),
);

/** What of the copying shader is tried out: as suits a GPU, and as suits a processor. */
export const copyVariants = [
  { NEIGHBOURS: 0, PER_INVOCATION: 4 },
  { NEIGHBOURS: 1, PER_INVOCATION: 32 },
].map((ways) => ({
  constants: { WORKGROUP_SIZE, ...ways },
  workgroups: (bytes: number) => Math.ceil(bytes / 16 / ways.PER_INVOCATION / WORKGROUP_SIZE),
}));

async function measureArithmetic(bench: Bench, tell: Tell): Promise<number> {
  const { gpu } = bench;
  const invocations = 2 ** 20;
  const factors = gpu.createBuffer({ size: 16, usage: bufferUsage.storage | bufferUsage.copyDestination });
  // The fixed point of x · 0.5 + 0.5 is 1, so nothing overflows or becomes too small to be fast.
  gpu.queue.writeBuffer(factors, 0, Float32Array.of(0.5, 0.5));
  const sums = gpu.createBuffer({ size: 16 * invocations, usage: bufferUsage.storage });
  let best = 0;
  for (const { lanes, size, constants } of arithmeticVariants) {
    tell(`arithmetic, ${lanes} lanes`);
    const pipeline = await compile(bench, 'peak-arithmetic', arithmeticSource, constants);
    const group = bind(bench, pipeline, [factors, sums]);
    // A GPU needs many invocations to be filled; a software adapter would take seconds for them.
    let workgroups = 2 ** 12 / size;
    while (workgroups * size < invocations) {
      if ((await time(bench, pipeline, group, workgroups, 1)) > LEAST_MILLISECONDS / 4) break;
      workgroups *= 2;
    }
    const seconds = await shortest(bench, pipeline, group, workgroups);
    best = Math.max(best, (workgroups * size * STEPS * CHAINS * lanes * 2) / seconds);
  }
  factors.destroy();
  sums.destroy();
  return best;
}

async function measureCopy(bench: Bench, bytes: number, tell: Tell): Promise<number> {
  const { gpu } = bench;
  const usage = bufferUsage.storage;
  const buffers = [
    gpu.createBuffer({ size: bytes, usage }),
    gpu.createBuffer({ size: bytes, usage }),
  ] as const;
  let best = 0;
  for (const { constants, workgroups } of copyVariants) {
    if (workgroups(bytes) > MOST_WORKGROUPS) continue;
    tell(`a copy of ${bytes} bytes`);
    const pipeline = await compile(bench, 'peak-copy', copySource, constants);
    const group = bind(bench, pipeline, buffers);
    const seconds = await shortest(bench, pipeline, group, workgroups(bytes));
    best = Math.max(best, (2 * bytes) / seconds);
  }
  for (const buffer of buffers) buffer.destroy();
  return best;
}

/** Compiles and runs a shader, so that the driver has loaded its compiler. */
export async function warmGpu(gpu: GPUDevice, wait: Wait): Promise<void> {
  const bench = { gpu, wait };
  const usage = bufferUsage.storage;
  const buffers = [gpu.createBuffer({ size: 16, usage }), gpu.createBuffer({ size: 16, usage })] as const;
  const pipeline = await compile(bench, 'peak-copy', copySource, {});
  await time(bench, pipeline, bind(bench, pipeline, buffers), 1, 1);
}

/** Measures both peaks of the adapter behind `gpu`. Takes some seconds. */
export async function measureGpuPeak(gpu: GPUDevice, wait: Wait, tell: Tell): Promise<Roofline> {
  const bench = { gpu, wait };
  const flops = await measureArithmetic(bench, tell);
  const largest = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize);
  const bandwidths = [];
  for (const bytes of COPY_BYTES.filter((size) => size <= largest)) {
    bandwidths.push({ workingSet: 2 * bytes, bytesPerSecond: await measureCopy(bench, bytes, tell) });
  }
  return {
    flops,
    bandwidths,
    method:
      'float32 multiply-adds in registers (peak-arithmetic.wgsl) and a copy of arrays (peak-copy.wgsl), the fastest of ' +
      'several ways to write each',
  };
}
