// @adapters every: products and convolutions of many tiles and workgroups, in every variant, and which variant is taken.
// @minutes 8, most of them for compilers
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import type { Device, Operand } from '../src/kernels/device.ts';
import { gemmVariants, type ProductSize } from '../src/kernels/gemm/gemm-variants.ts';
import type { AdapterFacts, OpAttributes, OpDefinition } from '../src/kernels/op/op.ts';
import { densePlacement } from '../src/kernels/op/placement.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import type { DeviceArray, Shape } from '../src/kernels/op/spec.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { adapter, webgpuTest } from './adapter.ts';
import { compare } from './compare.ts';

const cpu = await CpuDevice.create();
const gpu = adapter === 'none' ? null : await WebGpuDevice.request();

type ProductOp = 'matmul' | 'conv2d' | 'conv2dGradientInput' | 'conv2dGradientKernel';

async function compute(
  device: Device,
  shapes: readonly Shape[],
  run: (inputs: readonly Operand[]) => Operand[],
): Promise<DeviceArray> {
  const inputs = shapes.map((shape, seed) => ({
    storage: device.upload(Float32Array.from(floatSample(shape, seed + 1).data)),
    spec: { shape, dtype: 'float32' as const },
  }));
  const [output] = run(inputs);
  try {
    return await device.read(output);
  } finally {
    for (const { storage } of [...inputs, output]) device.release(storage);
  }
}

/** Every variant that the device has, and where `hardware` says so every variant of a GPU, against the plain op. */
function product<K extends ProductOp>(
  name: string,
  op: K,
  shapes: readonly Shape[],
  attributes: OpAttributes[K],
  hardware = false,
): void {
  webgpuTest(test)(`${op}, ${name}`, async () => {
    assert.ok(gpu);
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const inputs = shapes.map((shape) => ({ shape, dtype: 'float32' as const }));
    const outputs = definition.infer(inputs, attributes);
    const expected = await compute(cpu, shapes, (operands) => cpu.run(op, operands, attributes, 'plain'));
    const adapter = hardware ? { ...gpu.adapter, cpuLike: false } : gpu.adapter;
    const call = { inputs, outputs, attributes, adapter, placement: densePlacement(outputs[0]) };
    const variants = definition.variants?.(call) ?? [];
    assert.ok(variants.length >= 2);
    for (const variant of variants) {
      const run = (operands: readonly Operand[]) =>
        gpu.execute({ ...definition, variants: () => variants }, operands, attributes, variant);
      const actual = await compute(gpu, shapes, run);
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

product('a GPU, odd sizes, deep', 'matmul', [[133, 301], [301, 70], [70]], { ...linear, activation: 'relu' }, true); // biome-ignore format: shapes
product('a GPU, batches, whole vectors', 'matmul', [[2, 40, 256], [2, 256, 48]], linear, true); // biome-ignore format: shapes

const window = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const;
product('3×3 same', 'conv2d', [[2, 13, 11, 20], [3, 3, 20, 72], [72]], { ...window, activation: 'relu' }); // biome-ignore format: shapes
product('3×3 valid, stride 2, three channels', 'conv2d', [[1, 31, 29, 3], [3, 3, 3, 32]], { ...window, padding: 'valid', strides: [2, 2], activation: 'linear' }); // biome-ignore format: shapes
product('1×7 same, odd channels', 'conv2d', [[1, 17, 17, 21], [1, 7, 21, 67]], { ...window, activation: 'linear' }); // biome-ignore format: shapes
product('3×3 same, stride 2', 'conv2dGradientInput', [[2, 6, 7, 20], [3, 3, 37, 20]], { ...window, strides: [2, 2], inputShape: [2, 12, 13, 37] }); // biome-ignore format: shapes
product('3×3 same', 'conv2dGradientKernel', [[2, 12, 13, 20], [2, 12, 13, 37]], { ...window, kernelShape: [3, 3, 20, 37] }); // biome-ignore format: shapes

product('a GPU, 3×3 same, deep', 'conv2d', [[1, 9, 9, 32], [3, 3, 32, 40], [40]], { ...window, activation: 'relu' }, true); // biome-ignore format: shapes
product('a GPU, 3×3 same, stride 2', 'conv2dGradientInput', [[1, 6, 7, 20], [3, 3, 37, 20]], { ...window, strides: [2, 2], inputShape: [1, 12, 13, 37] }, true); // biome-ignore format: shapes
product('a GPU, 3×3 same', 'conv2dGradientKernel', [[1, 12, 13, 20], [1, 12, 13, 37]], { ...window, kernelShape: [3, 3, 20, 37] }, true); // biome-ignore format: shapes

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

function size(rows: number, columns: number, depth = 64): ProductSize {
  return { batches: 1, rows, columns, segments: 1, depth };
}

test('a software adapter never takes workgroup memory, and few rows take small tiles', () => {
  const first = (rows: number) => gemmVariants(size(rows, 512), software)[0];
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
    gemmVariants(size(rows, columns), { ...software, features: new Set(['subgroups']), subgroupSize })[0];
  assert.equal(
    [1, 3, 16, 1000].map((rows) => first(rows, 512, 8)),
    ['registers-1x8', 'subgroup-4x8', 'subgroup-16x8', 'subgroup-16x8'],
  );
  // 32 columns are half of what eight invocations of 8 columns compute, and all that four compute.
  assert.equal([first(1000, 32, 8), first(1000, 32, 4)], ['subgroup-16x4', 'subgroup-16x8']);
  assert.is(first(1000, 512, 0), 'registers-8x8');
  assert.is(first(1000, 512, 64), 'registers-8x8');
});

test('a GPU takes the largest workgroup tile of which there are enough', () => {
  const hardware = { ...software, cpuLike: false, maxWorkgroupStorageBytes: 32768 };
  const first = (rows: number, columns: number, depth: number) =>
    gemmVariants(size(rows, columns, depth), hardware)[0];
  assert.equal(
    [
      first(4096, 4096, 4096),
      first(1225, 512, 64),
      first(512, 512, 64),
      first(64, 320, 2048),
      first(1, 512, 64),
    ],
    ['tiled-128x128', 'tiled-64x64', 'tiled-32x32', 'tiled-32x32-split-4', 'registers-1x8'],
  );
  const small = gemmVariants(size(4096, 4096, 4096), { ...hardware, maxWorkgroupStorageBytes: 16384 });
  assert.is(small[0], 'tiled-64x64');
  assert.not(small.includes('tiled-128x128'));
});

test.after(() => {
  cpu.destroy();
  gpu?.destroy();
});

test.run();
