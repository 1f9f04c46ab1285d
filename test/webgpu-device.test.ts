// @adapters every: recording, memory and errors of the WebGPU device.
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operand } from '../src/kernels/device.ts';
import {
  DeviceLostError,
  DisposedError,
  KernelError,
  OutOfMemoryError,
  UnsupportedError,
} from '../src/kernels/op/errors.ts';
import type { Launch, OpDefinition } from '../src/kernels/op/op.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { adapter, webgpuTest } from './adapter.ts';
import { errorOf } from './errors.ts';

const child = process.argv.includes('child');
const webgpu = webgpuTest(test);
const device = adapter === 'none' || child ? null : await WebGpuDevice.request();

type Body = (device: WebGpuDevice) => void | Promise<void>;

/** A test on the shared device, which must be left as it was found. */
function sharedTest(name: string, body: Body): void {
  webgpu(name, async () => {
    assert.ok(device);
    await body(device);
    await device.synchronise();
    assert.is(device.memory().storages, 0, 'storages left');
  });
}

/** A test on a device of its own, which it may ruin. */
function ownTest(name: string, body: Body): void {
  webgpu(name, async () => {
    const own = await WebGpuDevice.request();
    try {
      await body(own);
    } finally {
      own.destroy();
    }
  });
}

function put(on: WebGpuDevice, values: readonly number[]): Operand {
  return {
    storage: on.upload(Float32Array.from(values)),
    spec: { shape: [values.length], dtype: 'float32' },
  };
}

function release(on: WebGpuDevice, ...operands: readonly Operand[]): void {
  for (const { storage } of operands) on.release(storage);
}

const add = (on: WebGpuDevice, a: Operand, b: Operand) => on.run('add', [a, b], {})[0];

/** negate with other launches. */
const negateBy = (change: (launch: Launch) => Launch): typeof opTable.negate => ({
  ...opTable.negate,
  wgsl: (call, variant) => opTable.negate.wgsl(call, variant).map(change),
});

const doesNotCompile = negateBy((launch) => ({
  ...launch,
  hooks: [{ name: 'wrong.wgsl', source: 'fn operation(x: f32) -> f32 { return missing; }' }],
}));

sharedTest('what was uploaded is read back, bit for bit', async (on) => {
  const floats = Float32Array.from([0, -0, 1e-45, 3.4028234663852886e38, Math.PI]);
  const integers = Int32Array.from([-2147483648, 2147483647, 0, -1]);
  const a = on.upload(floats);
  const b = on.upload(integers.subarray(1));
  assert.equal(await on.read({ storage: a, spec: { shape: [5], dtype: 'float32' } }), floats);
  assert.equal(await on.read({ storage: b, spec: { shape: [3], dtype: 'int32' } }), integers.slice(1));
  on.release(a);
  on.release(b);
});

sharedTest('a long chain of recorded ops runs in order', async (on) => {
  const one = put(on, [1, 1, 1]);
  let sum = put(on, [0, 10, 20]);
  for (let step = 0; step < 500; step++) {
    const next = add(on, sum, one);
    on.release(sum.storage);
    sum = next;
  }
  assert.equal(await on.read(sum), Float32Array.from([500, 510, 520]));
  release(on, sum, one);
});

sharedTest('reads asked for together are each of their own moment', async (on) => {
  const a = put(on, [1, 2]);
  const first = on.read(a);
  const b = add(on, a, a);
  const second = on.read(b);
  release(on, a);
  const c = put(on, [9, 9]);
  const third = on.read(c);
  release(on, b, c);
  assert.equal(await Promise.all([first, second, third]), [
    Float32Array.from([1, 2]),
    Float32Array.from([2, 4]),
    Float32Array.from([9, 9]),
  ]);
});

sharedTest('an upload does not overtake recorded work that reads the recycled buffer', async (on) => {
  for (let round = 0; round < 20; round++) {
    const a = put(on, new Array(300).fill(round));
    const b = add(on, a, a);
    release(on, a);
    const overwriting = put(on, new Array(300).fill(-1));
    assert.equal(await on.read(b), new Float32Array(300).fill(2 * round));
    release(on, b, overwriting);
  }
});

sharedTest('empty tensors have no elements and no trouble', async (on) => {
  const none = {
    storage: on.upload(new Float32Array(0)),
    spec: { shape: [0, 3], dtype: 'float32' },
  } as const;
  const sum = add(on, none, none);
  assert.equal(sum.spec.shape, [0, 3]);
  assert.equal(await on.read(sum), new Float32Array(0));
  release(on, none, sum);
});

sharedTest('a view shares its input’s storage', async (on) => {
  const a = put(on, [1, 2, 3, 4]);
  const [view] = on.run('reshape', [a], { shape: [2, 2] });
  assert.is(view.storage, a.storage);
  release(on, a);
  assert.equal(await on.read(view), Float32Array.from([1, 2, 3, 4]));
  release(on, view);
});

ownTest('memory is reused, reported and given back', async (on) => {
  assert.equal(on.memory(), { liveBytes: 0, pooledBytes: 0, peakBytes: 0, storages: 0 });
  const a = put(on, new Array(1000).fill(1));
  const { liveBytes, storages } = on.memory();
  assert.is(storages, 1);
  assert.ok(liveBytes >= 4000 && liveBytes <= 4500, `${liveBytes} bytes for 4000`);
  const b = add(on, a, a);
  assert.is(on.memory().liveBytes, 2 * liveBytes);
  release(on, b);
  const c = add(on, a, a);
  assert.is(on.memory().liveBytes, 2 * liveBytes);
  assert.is(on.memory().pooledBytes, 0, 'the released buffer was taken again');
  await on.read(c);
  release(on, a, c);
  assert.is(on.memory().liveBytes, 0);
  assert.ok(on.memory().pooledBytes >= 2 * liveBytes);
  assert.ok(on.memory().peakBytes >= 2 * liveBytes);
  on.trim();
  await on.synchronise();
  assert.is(on.memory().pooledBytes, 0);
  assert.ok(on.memory().peakBytes >= 2 * liveBytes);
});

ownTest('trimming waits for recorded work', async (on) => {
  const a = put(on, [1, 2]);
  const b = add(on, a, a);
  release(on, a);
  on.trim();
  assert.equal(await on.read(b), Float32Array.from([2, 4]));
});

sharedTest(
  'a shader that does not compile rejects the next read, and every read of what it left',
  async (on) => {
    const a = put(on, [1, 2]);
    const [wrong] = on.execute(doesNotCompile, [a], {});
    const derived = add(on, wrong, a);
    const { message } = await errorOf(KernelError, () => on.read(a));
    assert.match(message, /negate \(.*wrong\.wgsl\) does not compile: line \d+:\d+: .*missing/);
    assert.equal(await on.read(a), Float32Array.from([1, 2]), 'told once, what is sound can be read');
    for (const stale of [wrong, derived]) await errorOf(KernelError, () => on.read(stale));
    assert.equal(await on.read(a), Float32Array.from([1, 2]));
    release(on, wrong, derived);
    const again = add(on, a, a);
    assert.equal(await on.read(again), Float32Array.from([2, 4]), 'a recycled buffer is sound again');
    release(on, a, again);
  },
);

sharedTest('synchronise rejects with a failure, once', async (on) => {
  const a = put(on, [1]);
  const [wrong] = on.execute(doesNotCompile, [a], {});
  await errorOf(KernelError, () => on.synchronise());
  await on.synchronise();
  release(on, a, wrong);
});

sharedTest('a launch that does not fit its shader is refused by op and shader', async (on) => {
  const a = put(on, [1, 2]);
  const most = on.adapter.maxWorkgroupsPerDimension;
  const cases: [change: Partial<Launch>, message: RegExp][] = [
    [{ constants: { UNKNOWN: 1 } }, /UNKNOWN/],
    [{ uniforms: {} }, /uniform count is not given/],
    [{ bindings: [{ input: 0 }] }, /declares 2 storage bindings, the launch has 1/],
    [{ bindings: [{ input: 0 }, { input: 0 }] }, /binding 1 is written/],
    [{ grid: [most + 1, 1, 1] }, /workgroups/],
    [{ grid: [0.5, 1, 1] }, /workgroups/],
  ];
  for (const [change, expected] of cases) {
    const wrong = negateBy((launch) => ({ ...launch, ...change }));
    const { message } = await errorOf(KernelError, () => on.execute(wrong, [a], {}));
    assert.match(message, /^negate -> \[2\] float32: unary/);
    assert.match(message, expected);
  }
  const { message } = await errorOf(UnsupportedError, () => on.run('negate', [a], {}, 'fastest'));
  assert.match(message, /negate: no variant fastest.*default/);
  assert.is(on.memory().storages, 1);
  release(on, a);
});

sharedTest('working buffers of an op hold between its launches and are returned', async (on) => {
  const twice: OpDefinition<Record<string, never>> = {
    ...opTable.negate,
    wgsl: (call, variant) =>
      opTable.negate.wgsl(call, variant).flatMap((launch) => [
        { ...launch, bindings: [{ input: 0 }, { scratch: 0, bytes: 12 }] },
        { ...launch, bindings: [{ scratch: 0, bytes: 12 }, { output: 0 }] },
      ]),
  };
  const a = put(on, [1, -2, 3]);
  const [b] = on.execute(twice, [a], {});
  assert.is(on.memory().storages, 2);
  assert.equal(await on.read(b), Float32Array.from([1, -2, 3]));
  release(on, a, b);
});

sharedTest('a tensor beyond the adapter’s largest buffer is refused by op and size', async (on) => {
  const size = on.adapter.maxBufferBytes / 4 + 64;
  const a = put(on, [1]);
  const { message } = await errorOf(OutOfMemoryError, () => on.run('broadcastTo', [a], { shape: [size] }));
  assert.match(message, /^broadcastTo -> /);
  assert.match(message, `${4 * size} bytes`);
  assert.match(message, `${on.adapter.maxBufferBytes}`);
  release(on, a);
});

ownTest(
  'memory that the device does not have is an OutOfMemoryError, and what is sound stays',
  async (on) => {
    const a = put(on, [1, 2]);
    release(on, add(on, a, a));
    await on.synchronise();
    on.trim();
    // No adapter here can be filled up without harm to the machine, so the device's answer is put into its mouth.
    const { popErrorScope } = on.gpu;
    // Of the three scopes around the next thing made, which is the buffer of b, the second is that of memory.
    let scopes = 0;
    on.gpu.popErrorScope = function (this: GPUDevice) {
      const answer = popErrorScope.call(this);
      scopes++;
      return scopes === 2 ? answer.then(() => ({ message: 'injected' })) : answer;
    };
    const b = add(on, a, a);
    const derived = add(on, b, a);
    const { message } = await errorOf(OutOfMemoryError, () => on.read(derived));
    assert.match(message, /no memory for a buffer of \d+ bytes: injected/);
    assert.equal(await on.read(a), Float32Array.from([1, 2]));
    for (const stale of [b, derived]) await errorOf(OutOfMemoryError, () => on.read(stale));
    release(on, b, derived);
    const again = add(on, a, a);
    assert.equal(await on.read(again), Float32Array.from([2, 4]));
  },
);

ownTest('work that the GPU refuses voids all that it would have written', async (on) => {
  const a = put(on, [1, 2]);
  release(on, add(on, a, a));
  await on.synchronise();
  // Nothing that passes the checks of a launch is refused, so the refusal is put into the GPU's mouth.
  const b = add(on, a, a);
  const { popErrorScope } = on.gpu;
  let scopes = 0;
  on.gpu.popErrorScope = function (this: GPUDevice) {
    const answer = popErrorScope.call(this);
    scopes++;
    return scopes === 1 ? answer.then(() => ({ message: 'injected' })) : answer;
  };
  const { message } = await errorOf(KernelError, () => on.synchronise());
  assert.match(message, /1 launches of add \(.*\) was refused: injected/);
  const derived = add(on, b, a);
  for (const stale of [b, derived]) await errorOf(KernelError, () => on.read(stale));
  assert.equal(await on.read(a), Float32Array.from([1, 2]));
});

ownTest('an error outside of every op is not lost', async (on) => {
  on.gpu.createBuffer({ size: 4, usage: 0 });
  const { message } = await errorOf(KernelError, () => on.synchronise());
  assert.match(message, /the GPU device reports: /);
  await on.synchronise();
});

ownTest('a lost device rejects pending and later reads; a new one gives the same result', async (on) => {
  const compute = async (where: WebGpuDevice) =>
    where.read(add(where, put(where, [1, 2]), put(where, [3, 4])));
  const before = await compute(on);
  const a = put(on, [1]);
  const pending = [on.read(a), on.synchronise()].map((waiting) => errorOf(DeviceLostError, () => waiting));
  on.gpu.destroy();
  for (const told of await Promise.all(pending)) assert.match(told.message, /lost.*request a new device/);
  await errorOf(DeviceLostError, () => on.read(a));
  await errorOf(DeviceLostError, () => add(on, a, a));
  await errorOf(DeviceLostError, () => on.upload(new Float32Array(1)));
  on.release(a.storage);
  const other = await WebGpuDevice.request();
  assert.equal(await compute(other), before);
  other.destroy();
});

ownTest('use after disposal is refused by op and shape; destroying twice is fine', async (on) => {
  const a = put(on, [1, 2, 3]);
  release(on, a);
  assert.match((await errorOf(DisposedError, () => add(on, a, a))).message, /add: the tensor \[3\] float32/);
  await errorOf(DisposedError, () => on.read(a));
  await errorOf(DisposedError, () => on.release(a.storage));
  const pending = errorOf(DisposedError, () => on.read(put(on, [1])));
  on.destroy();
  on.destroy();
  await pending;
  await errorOf(DisposedError, () => on.upload(new Float32Array(1)));
  await errorOf(DisposedError, () => on.synchronise());
});

ownTest('a tensor of another device is refused', async (on) => {
  assert.ok(device);
  const foreign = put(device, [1]);
  assert.match(
    (await errorOf(KernelError, () => add(on, foreign, foreign))).message,
    /add: .*another device/,
  );
  release(device, foreign);
});

webgpu('the description and the facts name the adapter', () => {
  assert.ok(device);
  assert.match(device.description, device.adapter.description);
  assert.ok(device.adapter.maxBufferBytes >= 2 ** 27);
  assert.ok(device.adapter.maxInvocationsPerWorkgroup >= 256);
  if (adapter !== 'system') assert.is(device.adapter.cpuLike, true);
});

webgpu('a process ends by itself after work, and no global was touched', () => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [process.argv[1], 'child'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.is(signal, null, `did not end:\n${stdout}${stderr}`);
  assert.is(status, 0, stderr);
  assert.is(stdout.trim().split('\n').pop(), 'sum 3, globals none');
});

/** What the last test's process does: it leaves the device as it is and just comes to its end. */
async function work(): Promise<void> {
  const before = new Set(Object.getOwnPropertyNames(globalThis));
  const on = await WebGpuDevice.request();
  const [sum] = await on.read(add(on, put(on, [1]), put(on, [2])));
  const added = Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name));
  console.log(`sum ${sum}, globals ${added.join() || 'none'}`);
}

test.after(() => device?.destroy());

if (child) await work();
else test.run();
