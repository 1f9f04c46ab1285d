// @adapters every: what a plan costs on WebGPU, and that failures come through it as they come through recorded ops.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DevicePlan, Operand } from '../src/kernels/device.ts';
import { DeviceLostError, DisposedError, KernelError, OutOfMemoryError } from '../src/kernels/op/errors.ts';
import type { Launch } from '../src/kernels/op/op.ts';
import type { TensorSpec } from '../src/kernels/op/spec.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { webgpuTest } from './adapter.ts';
import { errorOf } from './errors.ts';

/** A test on a device of its own, which it may ruin. */
function ownTest(name: string, body: (device: WebGpuDevice) => Promise<void>): void {
  webgpuTest(test)(name, async () => {
    const device = await WebGpuDevice.request();
    try {
      await body(device);
    } finally {
      device.destroy();
    }
  });
}

const pair: TensorSpec = { shape: [2], dtype: 'float32' };

function put(on: WebGpuDevice, values: readonly number[]): Operand {
  return { storage: on.upload(Float32Array.from(values)), spec: { ...pair, shape: [values.length] } };
}

/** (x + x) · x and x + x, through `steps` additions of nothing. */
function sums(on: WebGpuDevice, steps = 0): DevicePlan {
  return on.capture([pair], ([x]) => {
    const [zeros] = on.run('fill', [], { shape: [2], dtype: 'float32', value: 0 });
    let value = x;
    for (let step = 0; step < steps; step++) [value] = on.run('add', [value, zeros], {});
    const [twice] = on.run('add', [value, x], {});
    return [on.run('multiply', [twice, x], {})[0], twice];
  });
}

/** Counts the calls of a function of the GPU's objects, which still does its work. */
function counted<K extends string>(object: Record<K, (...given: never[]) => unknown>, name: K): () => number {
  const original = object[name];
  let calls = 0;
  object[name] = function (this: unknown, ...given: never[]) {
    calls++;
    return original.apply(this, given);
  };
  return () => calls;
}

ownTest(
  'a run and its read-back are one submit, and the next run makes nothing and writes nothing',
  async (on) => {
    const plan = sums(on, 300);
    const x = put(on, [3, 4]);
    await plan.ready();
    const round = async () => {
      const [product, twice] = plan.run([x]);
      const read = await Promise.all([on.read(product), on.read(twice)]);
      for (const { storage } of [product, twice]) on.release(storage);
      return read;
    };
    const first = await round();
    // The pool gives the outputs' two buffers in turns.
    await round();
    assert.equal(first, [Float32Array.from([18, 32]), Float32Array.from([6, 8])]);
    const submits = counted(on.gpu.queue as never, 'submit');
    const writes = counted(on.gpu.queue as never, 'writeBuffer');
    const groups = counted(on.gpu as never, 'createBindGroup');
    const buffers = counted(on.gpu as never, 'createBuffer');
    assert.equal(await round(), first);
    assert.equal([submits(), writes(), groups(), buffers()], [1, 0, 0, 0]);
  },
);

ownTest('runs and recorded ops keep their order', async (on) => {
  const plan = sums(on);
  let x = put(on, [1, -1]);
  for (let step = 0; step < 5; step++) {
    const [, twice] = plan.run([x]);
    const [more] = on.run('add', [twice, twice], {});
    x = more;
  }
  assert.equal(await on.read(x), Float32Array.from([1024, -1024]));
});

ownTest('a plan whose kernel does not compile says so, and its outputs are void', async (on) => {
  const broken: typeof opTable.negate = {
    ...opTable.negate,
    wgsl: (call, variant) =>
      opTable.negate.wgsl(call, variant).map((launch: Launch) => ({
        ...launch,
        hooks: [{ name: 'wrong.wgsl', source: 'fn operation(x: f32) -> f32 { return missing; }' }],
      })),
  };
  const plan = on.capture([pair], ([x]) => on.execute(broken, on.run('add', [x, x], {}), {}));
  assert.match(
    (await errorOf(KernelError, () => plan.ready())).message,
    /negate .*does not compile.*missing/,
  );
  const x = put(on, [1, 2]);
  const [y] = plan.run([x]);
  const [derived] = on.run('add', [y, y], {});
  await errorOf(KernelError, () => on.read(derived));
  await errorOf(KernelError, () => on.read(y));
  assert.equal(await on.read(x), Float32Array.from([1, 2]));
  plan.dispose();
});

ownTest('a void input voids the outputs of that run, and not of the next', async (on) => {
  const plan = sums(on);
  const failing = on.execute(
    {
      ...opTable.negate,
      wgsl: (call, variant) =>
        opTable.negate.wgsl(call, variant).map((launch) => ({
          ...launch,
          hooks: [{ name: 'w', source: 'fn operation(x: f32) -> f32 { return missing; }' }],
        })),
    },
    [put(on, [1, 2])],
    {},
  );
  const [, stale] = plan.run(failing);
  await errorOf(KernelError, () => on.read(stale));
  const [, sound] = plan.run([put(on, [1, 2])]);
  assert.equal(await on.read(sound), Float32Array.from([2, 4]));
  await errorOf(KernelError, () => on.read(stale));
});

ownTest('a run that the GPU refuses voids its outputs', async (on) => {
  const plan = sums(on);
  const x = put(on, [1, 2]);
  for (const { storage } of plan.run([x])) on.release(storage);
  await on.synchronise();
  const [, twice] = plan.run([x]);
  // Nothing that passes the checks of a launch is refused, so the refusal is put into the GPU's mouth.
  const { popErrorScope } = on.gpu;
  let scopes = 0;
  on.gpu.popErrorScope = function (this: GPUDevice) {
    const answer = popErrorScope.call(this);
    scopes++;
    return scopes === 1 ? answer.then(() => ({ message: 'injected' })) : answer;
  };
  const { message } = await errorOf(KernelError, () => on.synchronise());
  assert.match(message, /a plan of 3 launches was refused: injected/);
  await errorOf(KernelError, () => on.read(twice));
  const [, again] = plan.run([x]);
  assert.equal(await on.read(again), Float32Array.from([2, 4]));
});

ownTest('memory that a plan does not get voids its outputs', async (on) => {
  const x = put(on, [1, 2]);
  // So that kernels are compiled and no memory is at hand.
  sums(on, 1).dispose();
  await on.synchronise();
  on.trim();
  const { popErrorScope } = on.gpu;
  // Of the three scopes around the next thing made, which is a buffer of the plan, the second is that of memory.
  let scopes = 0;
  on.gpu.popErrorScope = function (this: GPUDevice) {
    const answer = popErrorScope.call(this);
    scopes++;
    return scopes === 2 ? answer.then(() => ({ message: 'injected' })) : answer;
  };
  const plan = sums(on, 1);
  const [, twice] = plan.run([x]);
  const { message } = await errorOf(OutOfMemoryError, () => on.read(twice));
  assert.match(message, /no memory for a buffer of \d+ bytes: injected/);
  assert.equal(await on.read(x), Float32Array.from([1, 2]));
});

ownTest('a plan of a lost or destroyed device does nothing more', async (on) => {
  const plan = sums(on);
  const x = put(on, [1, 2]);
  const [, twice] = plan.run([x]);
  const pending = errorOf(DeviceLostError, () => on.read(twice));
  on.gpu.destroy();
  await pending;
  await errorOf(DeviceLostError, () => plan.run([x]));
  await errorOf(DeviceLostError, () => plan.ready());
  plan.dispose();
  const other = await WebGpuDevice.request();
  const late = sums(other);
  const input = put(other, [1, 2]);
  other.destroy();
  await errorOf(DisposedError, () => late.run([input]));
  late.dispose();
});

ownTest('a plan that is disposed of before its run is submitted still runs', async (on) => {
  const plan = sums(on, 3);
  const x = put(on, [5, 6]);
  const [, twice] = plan.run([x]);
  plan.dispose();
  on.trim();
  const other = put(on, [0, 0]);
  assert.equal(await on.read(twice), Float32Array.from([10, 12]));
  for (const { storage } of [x, other, twice]) on.release(storage);
  // What was read is the product's: its storage was never released.
  assert.is(on.memory().storages, 1);
});

test.run();
