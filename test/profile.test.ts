// @adapters every: where the time of some work went, on each device.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Operand } from '../src/kernels/device.ts';
import { KernelError, ShapeError, UnsupportedError } from '../src/kernels/op/errors.ts';
import type { CallSpecs, OpAttributes, OpDefinition, OpName } from '../src/kernels/op/op.ts';
import type { Shape } from '../src/kernels/op/spec.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { joinProfiles, type Profile, profileByOp, profileTotals } from '../src/kernels/profiling/profile.ts';
import { openAdapter } from '../src/kernels/webgpu/adapter.ts';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { webgpuTest } from './adapter.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';

const deviceTest = await eachDevice(test);

const linear = { transposeA: false, transposeB: false, activation: 'linear' } as const;

function put(device: Device, shape: Shape): Operand {
  const count = shape.reduce((product, size) => product * size, 1);
  return { storage: device.upload(new Float32Array(count).fill(0.5)), spec: { shape, dtype: 'float32' } };
}

/** Runs an op `times` times and drops what it gives. */
function repeat<K extends OpName>(
  device: Device,
  op: K,
  inputs: Operand[],
  attributes: OpAttributes[K],
  times = 1,
) {
  for (let n = 0; n < times; n++) {
    for (const { storage } of device.run(op, inputs, attributes)) device.release(storage);
  }
}

deviceTest('calls, operations and bytes of every op are counted, the longest first', async (device) => {
  const a = put(device, [64, 300]);
  const b = put(device, [300, 200]);
  const row = put(device, [200]);
  const { result, profile } = await device.profile(async () => {
    repeat(device, 'matmul', [a, b], linear, 3);
    repeat(device, 'matmul', [a, b, row], linear);
    repeat(device, 'exp', [a], {}, 2);
    repeat(device, 'reshape', [a], { shape: [300, 64] });
    return 'done';
  });
  for (const { storage } of [a, b, row]) device.release(storage);

  assert.is(result, 'done');
  assert.is(profile.clock, device.kind === 'webgpu' ? 'gpu' : 'thread');
  const product = profile.rows.find(({ calls }) => calls === 3);
  assert.is(product?.op, 'matmul');
  assert.is(product?.shapes, '[64, 300] float32, [300, 200] float32 -> [64, 200] float32');
  assert.is(product?.flops, 3 * 2 * 64 * 300 * 200);
  assert.is(product?.bytes, 3 * 4 * (64 * 300 + 300 * 200 + 64 * 200));
  assert.ok(product && product.milliseconds > 0, 'a product takes time');

  const ops = profileByOp(profile);
  assert.equal(new Map(ops.map(({ op, calls }) => [op, calls])), new Map([['matmul', 4], ['exp', 2]])); // biome-ignore format: pairs
  assert.is(ops.find(({ op }) => op === 'exp')?.flops, 2 * 64 * 300);
  for (const rows of [profile.rows, ops]) {
    const times = rows.map(({ milliseconds }) => milliseconds);
    assert.equal(times, [...times].sort((x, y) => y - x)); // biome-ignore format: one line
  }
  const [whole, byOp] = [profileTotals(profile.rows), profileTotals(ops)];
  assert.is(whole.calls, 6);
  assert.equal([byOp.calls, byOp.flops, byOp.bytes], [whole.calls, whole.flops, whole.bytes]);
  assert.ok(Math.abs(byOp.milliseconds - whole.milliseconds) < 1e-9);
});

deviceTest('what went before and what comes after is not counted', async (device) => {
  const a = put(device, [10]);
  repeat(device, 'exp', [a], {}, 5);
  const { profile } = await device.profile(() => repeat(device, 'negate', [a], {}, 2));
  repeat(device, 'exp', [a], {}, 5);
  await device.synchronise();
  device.release(a.storage);
  assert.equal(
    profile.rows.map(({ op, calls }) => [op, calls]),
    [['negate', 2]],
  );
});

deviceTest('work of more launches than a query set holds is timed to the last', async (device) => {
  const a = put(device, [4]);
  const { profile } = await device.profile(() => repeat(device, 'negate', [a], {}, 2100));
  device.release(a.storage);
  assert.is(profile.rows[0].calls, 2100);
  assert.ok(profile.rows[0].milliseconds > 0);
});

deviceTest('nothing was done, so nothing took time', async (device) => {
  const { profile } = await device.profile(() => undefined);
  assert.equal(profile.rows, []);
  assert.equal(profileTotals(profile.rows), { calls: 0, milliseconds: 0, flops: 0, bytes: 0 });
});

deviceTest('an error ends the profile and passes through; another can be taken', async (device) => {
  const a = put(device, [2, 3]);
  await errorOf(ShapeError, () => device.profile(() => repeat(device, 'matmul', [a, a], linear)));
  const inner = await errorOf(UnsupportedError, () => device.profile(() => device.profile(() => undefined)));
  assert.match(inner.message, 'a profile is being taken');
  const { profile } = await device.profile(() => repeat(device, 'exp', [a], {}));
  device.release(a.storage);
  assert.is(profile.rows[0].op, 'exp');
});

deviceTest('every run of a plan is counted, kernel by kernel', async (device) => {
  const a = put(device, [3, 5]);
  const plan = device.capture([a.spec], (inputs) => {
    const [squared] = device.run('square', inputs, {});
    const outputs = device.run('exp', [squared], {});
    device.release(squared.storage);
    return outputs;
  });
  const { profile } = await device.profile(() => {
    for (let n = 0; n < 3; n++) for (const { storage } of plan.run([a])) device.release(storage);
  });
  plan.dispose();
  device.release(a.storage);
  const counts = profile.rows.map(({ op, calls, flops }) => [op, calls, flops]);
  assert.equal(counts.sort(), [['exp', 3, 45], ['square', 3, 45]]); // biome-ignore format: one line
});

deviceTest('an op that places its output is counted once', async (device) => {
  const x = put(device, [1, 6, 6, 8]);
  const into = put(device, [1, 3, 3, 20]);
  const pooling = { size: [2, 2], strides: [2, 2], padding: 'valid' } as const;
  const { profile } = await device.profile(() => device.runInto('maxPool', [x], pooling, into, 4));
  for (const { storage } of [x, into]) device.release(storage);
  assert.is(profile.rows.length, 1);
  assert.is(profile.rows[0].calls, 1);
  assert.is(profile.rows[0].flops, 3 * 3 * 8 * 4);
});

webgpuTest(test)('work that failed rejects the profile with its error', async () => {
  const device = await WebGpuDevice.request();
  try {
    const broken: OpDefinition<OpAttributes['negate']> = {
      ...opTable.negate,
      wgsl: (call, variant) =>
        opTable.negate.wgsl(call, variant).map((launch) => ({
          ...launch,
          hooks: [{ name: 'wrong.wgsl', source: 'fn operation(x: f32) -> f32 { return missing; }' }],
        })),
    };
    const a = put(device, [4]);
    await errorOf(KernelError, () => device.profile(() => device.execute(broken, [a], {})));
    const { profile } = await device.profile(() => repeat(device, 'negate', [a], {}));
    assert.is(profile.rows[0].calls, 1);
  } finally {
    device.destroy();
  }
});

webgpuTest(test)('an adapter without timestamp queries is told of', async () => {
  const adapter = await openAdapter();
  const features = new Set([...adapter.features].filter((feature) => feature !== 'timestamp-query'));
  const poorer = new Proxy(adapter, {
    get(target, name) {
      const value = name === 'features' ? features : Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const device = await WebGpuDevice.on(poorer);
  try {
    const error = await errorOf(UnsupportedError, () => device.profile(() => undefined));
    assert.match(error.message, 'has no timestamp queries');
  } finally {
    device.destroy();
  }
});

function flopsOf<K extends OpName>(op: K, shapes: Shape[], attributes: OpAttributes[K]): number | undefined {
  const definition: OpDefinition<OpAttributes[K]> = opTable[op];
  const inputs = shapes.map((shape) => ({ shape, dtype: 'float32' as const }));
  return definition.flops?.({ inputs, outputs: definition.infer(inputs, attributes), attributes });
}

test('operations of known calls', () => {
  assert.is(flopsOf('matmul', [[4, 5, 6], [6, 7], [7]], linear), 2 * 4 * 5 * 6 * 7); // biome-ignore format: shapes
  assert.is(flopsOf('matmul', [[6, 5], [7, 6]], { ...linear, transposeA: true, transposeB: true }), 2 * 5 * 6 * 7); // biome-ignore format: shapes
  const window = { strides: [2, 2], padding: 'valid', dilations: [1, 1] } as const;
  // The first convolution of InceptionV3.
  const stem = 2 * 149 * 149 * 32 * 27;
  assert.is(flopsOf('conv2d', [[1, 299, 299, 3], [3, 3, 3, 32]], { ...window, activation: 'relu' }), stem); // biome-ignore format: shapes
  const x: Shape = [1, 299, 299, 3];
  const kernel: Shape = [3, 3, 3, 32];
  const g: Shape = [1, 149, 149, 32];
  assert.is(flopsOf('conv2dGradientInput', [g, kernel], { ...window, inputShape: x }), stem);
  assert.is(flopsOf('conv2dGradientKernel', [x, g], { ...window, kernelShape: kernel }), stem);
  assert.is(flopsOf('softmax', [[3, 10]], {}), 150);
  assert.is(flopsOf('transpose', [[3, 10]], { permutation: [1, 0] }), undefined);
});

test('every op that counts operations or bytes gives whole numbers for all its samples', () => {
  let counted = 0;
  for (const op of Object.keys(opTable) as OpName[]) {
    const definition = opTable[op] as OpDefinition<unknown>;
    for (const { inputs, attributes } of definition.samples()) {
      const outputs = definition.infer(inputs, attributes);
      const call: CallSpecs<unknown> = { inputs, outputs, attributes };
      for (const count of [definition.flops?.(call), definition.bytes?.(call)]) {
        if (count === undefined) continue;
        counted++;
        assert.ok(Number.isInteger(count) && count >= 0, `${op}: ${count}`);
      }
    }
  }
  assert.ok(counted > 100, `${counted} counts`);
});

test('profiles of several runs join into one', () => {
  const row = { op: 'exp', shapes: '[4] float32 -> [4] float32', variant: 'default' };
  const one: Profile = {
    clock: 'gpu',
    wallMilliseconds: 10,
    rows: [{ ...row, calls: 2, milliseconds: 3, flops: 8, bytes: 64 }],
  };
  const other: Profile = {
    clock: 'gpu',
    wallMilliseconds: 5,
    rows: [
      { ...row, op: 'log', calls: 1, milliseconds: 9, flops: 4, bytes: 32 },
      { ...row, calls: 1, milliseconds: 1, flops: 4, bytes: 32 },
    ],
  };
  assert.equal(joinProfiles([one, other]), {
    clock: 'gpu',
    wallMilliseconds: 15,
    rows: [
      { ...row, op: 'log', calls: 1, milliseconds: 9, flops: 4, bytes: 32 },
      { ...row, calls: 3, milliseconds: 4, flops: 12, bytes: 96 },
    ],
  });
});

test.run();
