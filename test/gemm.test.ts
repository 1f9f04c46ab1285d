// @adapters every: products and convolutions of many tiles and workgroups, in every variant, and which variant is taken.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import type { Device } from '../src/kernels/device.ts';
import { type GemmProblem, gemmVariants } from '../src/kernels/gemm.ts';
import type { AdapterFacts, OpAttributes, OpDefinition } from '../src/kernels/op.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { densePlacement } from '../src/kernels/placement.ts';
import { floatSample } from '../src/kernels/samples.ts';
import type { DeviceArray, Shape } from '../src/kernels/spec.ts';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { adapter, webgpuTest } from './adapter.ts';
import { compare } from './compare.ts';

const cpu = await CpuDevice.create();
const gpu = adapter === 'none' ? null : await WebGpuDevice.request();

type ProductOp = 'matmul' | 'conv2d' | 'conv2dGradientInput' | 'conv2dGradientKernel';

async function compute<K extends ProductOp>(
  device: Device,
  op: K,
  shapes: readonly Shape[],
  attributes: OpAttributes[K],
  variant?: string,
): Promise<DeviceArray> {
  const inputs = shapes.map((shape, seed) => ({
    storage: device.upload(Float32Array.from(floatSample(shape, seed + 1).data)),
    spec: { shape, dtype: 'float32' as const },
  }));
  const [output] = device.run(op, inputs, attributes, variant);
  try {
    return await device.read(output);
  } finally {
    for (const { storage } of [...inputs, output]) device.release(storage);
  }
}

/** Every variant against the plain op of the CPU device. */
function product<K extends ProductOp>(
  name: string,
  op: K,
  shapes: readonly Shape[],
  attributes: OpAttributes[K],
): void {
  webgpuTest(test)(`${op}, ${name}`, async () => {
    assert.ok(gpu);
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const inputs = shapes.map((shape) => ({ shape, dtype: 'float32' as const }));
    const outputs = definition.infer(inputs, attributes);
    const expected = await compute(cpu, op, shapes, attributes, 'plain');
    const placement = densePlacement(outputs[0]);
    const call = { inputs, outputs, attributes, adapter: gpu.adapter, placement };
    const variants = definition.variants?.(call) ?? [];
    assert.ok(variants.length >= 2);
    for (const variant of variants) {
      const actual = await compute(gpu, op, shapes, attributes, variant);
      compare(`${op}, ${name}, ${variant}`, actual, expected, 2e-6);
    }
  });
}

const linear = { transposeA: false, transposeB: false, activation: 'linear' } as const;
product('several tiles each way, odd sizes', 'matmul', [[133, 70], [70, 201], [201]], linear); // biome-ignore format: shapes
product('several tiles each way, whole vectors', 'matmul', [[130, 64], [64, 264], [264]], { ...linear, activation: 'tanh' }); // biome-ignore format: shapes
product(
  'a transposed',
  'matmul',
  [
    [37, 130],
    [37, 140],
  ],
  { ...linear, transposeA: true },
);
product(
  'b transposed',
  'matmul',
  [
    [70, 37],
    [136, 37],
  ],
  { ...linear, transposeB: true },
);
product('batches of several tiles', 'matmul', [[3, 70, 20], [3, 20, 72]], linear); // biome-ignore format: shapes
product('three rows of a large vocabulary', 'matmul', [[3, 65], [65, 1003], [1003]], linear); // biome-ignore format: shapes

const window = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const;
product('3×3 same', 'conv2d', [[2, 13, 11, 20], [3, 3, 20, 72], [72]], { ...window, activation: 'relu' }); // biome-ignore format: shapes
product('3×3 valid, stride 2, three channels', 'conv2d', [[1, 31, 29, 3], [3, 3, 3, 32]], { ...window, padding: 'valid', strides: [2, 2], activation: 'linear' }); // biome-ignore format: shapes
product('1×7 same, odd channels', 'conv2d', [[1, 17, 17, 21], [1, 7, 21, 67]], { ...window, activation: 'linear' }); // biome-ignore format: shapes
product('3×3 same, stride 2', 'conv2dGradientInput', [[2, 6, 7, 20], [3, 3, 37, 20]], { ...window, strides: [2, 2], inputShape: [2, 12, 13, 37] }); // biome-ignore format: shapes
product('3×3 same', 'conv2dGradientKernel', [[2, 12, 13, 20], [2, 12, 13, 37]], { ...window, kernelShape: [3, 3, 20, 37] }); // biome-ignore format: shapes

const software: AdapterFacts = {
  vendor: '',
  architecture: '',
  description: '',
  cpuLike: true,
  features: new Set(),
  subgroupSize: 0,
  maxWorkgroupsPerDimension: 65535,
  maxInvocationsPerWorkgroup: 256,
  maxWorkgroupStorageBytes: 16384,
  maxBufferBytes: 2 ** 27,
};

function problem(rows: number, columns: number): GemmProblem {
  const strides = { aBatch: 0, aRow: 64, aDepth: 1, bBatch: 0, bSegment: 0, bDepth: columns, bColumn: 1 };
  const placement = { stride: columns, offset: 0 };
  return { batches: 1, rows, columns, segments: 1, depth: 64, ...strides, placement, activation: 'linear' };
}

test('a software adapter never takes workgroup memory, and few rows take small tiles', () => {
  const first = (rows: number) => gemmVariants(problem(rows, 512), software)[0];
  assert.equal([1, 3, 4, 5, 8, 1000].map(first), [
    'registers-1x8',
    'registers-4x8',
    'registers-4x8',
    'registers-8x8',
    'registers-8x8',
    'registers-8x8',
  ]);
});

test('a software adapter with subgroups of a known size shares loads where there are rows to use them', () => {
  const first = (rows: number, columns: number, subgroupSize: number) =>
    gemmVariants(problem(rows, columns), { ...software, features: new Set(['subgroups']), subgroupSize })[0];
  assert.equal(
    [1, 3, 16, 1000].map((rows) => first(rows, 512, 8)),
    ['registers-1x8', 'subgroup-4x8', 'subgroup-16x8', 'subgroup-16x8'],
  );
  // 32 columns are half of what eight invocations of 8 columns compute, and all that four compute.
  assert.equal([first(1000, 32, 8), first(1000, 32, 4)], ['subgroup-16x4', 'subgroup-16x8']);
  assert.is(first(1000, 512, 0), 'registers-8x8');
  assert.is(first(1000, 512, 64), 'registers-8x8');
});

test('a GPU takes workgroup tiles where there is enough to share and room for them', () => {
  const hardware = { ...software, cpuLike: false };
  assert.is(gemmVariants(problem(512, 512), hardware)[0], 'tiled-64x64');
  assert.is(gemmVariants(problem(1, 512), hardware)[0], 'registers-1x8');
  assert.not(
    gemmVariants(problem(512, 512), { ...hardware, maxWorkgroupStorageBytes: 4096 }).includes('tiled-64x64'),
  );
});

test.after(() => {
  cpu.destroy();
  gpu?.destroy();
});

test.run();
