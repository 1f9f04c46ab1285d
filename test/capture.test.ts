// @adapters every: plans give what the function gives, again and again, and refuse what they cannot do.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../src/kernels/device.ts';
import {
  DisposedError,
  DTypeError,
  EkphrasisError,
  ShapeError,
  UnsupportedError,
} from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import type { Shape, TensorSpec } from '../src/kernels/op/spec.ts';
import { requestDevice } from '../src/kernels/request-device.ts';
import { valueAndGradients } from '../src/tensor/autograd.ts';
import { capture } from '../src/tensor/capture.ts';
import { Concatenation } from '../src/tensor/concatenation.ts';
import { argmax, concat, matmul, topK } from '../src/tensor/functions.ts';
import { Parameter } from '../src/tensor/parameter.ts';
import { disposeAll, scope } from '../src/tensor/scope.ts';
import { scalar, Tensor } from '../src/tensor/tensor.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';

const onDevice = await eachDevice(test);

const float = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });

function sample(device: Device, shape: Shape, seed: number): Tensor {
  return Tensor.from(device, Float32Array.from(floatSample(shape, seed).data), shape);
}

function parameter(device: Device, shape: Shape, seed: number): Parameter {
  return new Parameter(device, Float32Array.from(floatSample(shape, seed).data), shape);
}

/** Several kernels and outputs, views, integers, constants made inside, and a concatenation in place. */
function network(kernel: Parameter, outer: Tensor) {
  return ([x, y]: readonly Tensor[]): Tensor[] => {
    const hidden = matmul(x, kernel, { activation: 'tanh' });
    const { values, indices } = topK(hidden.add(outer).softmax(), 3);
    const whole = new Concatenation(12);
    const options = { transposeA: false, transposeB: false, activation: 'linear' } as const;
    whole.append('matmul', [x, kernel], options);
    whole.append('matmul', [y.add(scalar(y.device, 2)), kernel], options);
    const joined = whole.finish();
    return [values, indices, joined.sum([1]), argmax(concat([joined, y], 1)), hidden.reshape([-1])];
  };
}

async function dataOf(tensors: readonly Tensor[]): Promise<number[][]> {
  return Promise.all(tensors.map(async (tensor) => Array.from(await tensor.data())));
}

onDevice('a plan gives what the function gives, for other inputs at every run', async (device) => {
  const kernel = parameter(device, [5, 6], 1);
  const outer = sample(device, [6], 2);
  const body = network(kernel, outer);
  const plan = capture(device, [float(4, 5), float(4, 5)], body);
  await plan.ready();
  assert.ok(plan.kernels >= 8 && plan.bytes > 0);
  const rounds: { got: number[][]; expected: number[][] }[] = [];
  for (const seed of [10, 20, 30]) {
    const inputs = [sample(device, [4, 5], seed), sample(device, [4, 5], seed + 1)];
    const expected = scope(() => body(inputs));
    const got = plan.run(inputs);
    // The inputs may go at once: the run is recorded.
    for (const input of inputs) input.dispose();
    assert.equal(
      got.map(({ shape, dtype }) => ({ shape, dtype })),
      expected.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    rounds.push({ got: await dataOf(got), expected: await dataOf(expected) });
    for (const tensor of [...got, ...expected]) tensor.dispose();
  }
  for (const { got, expected } of rounds) assert.equal(got, expected);
  assert.not.equal(rounds[0].got, rounds[1].got, 'the inputs must matter for this test to mean anything');
  plan.dispose();
  for (const part of [kernel, outer]) part.dispose();
});

onDevice(
  'outputs of one run stay as they are through the next, and runs may be recorded in a row',
  async (device) => {
    const plan = capture(device, [float(3)], ([x]) => [x.scale(2), x.add(x).tanh()]);
    const inputs = [1, 2, 3].map((value) => Tensor.from(device, [value, 0, -value]));
    const outputs = inputs.map((input) => plan.run([input]));
    const sum = outputs[0][0].add(outputs[2][0]);
    assert.equal(Array.from(await sum.data()), [8, 0, -8]);
    for (const [index, [twice]] of outputs.entries()) {
      assert.equal(Array.from(await twice.data()), [2 * (index + 1), 0, -2 * (index + 1)]);
    }
    plan.dispose();
    for (const tensor of [...inputs, ...outputs.flat(), sum]) tensor.dispose();
  },
);

onDevice(
  'an input, a view of it, a tensor from outside and one tensor twice may be outputs',
  async (device) => {
    const outer = Tensor.from(device, [7, 8]);
    const plan = capture(device, [float(2, 2)], ([x]) => {
      const twice = x.scale(2);
      return [x, x.reshape([4]), outer, twice, twice.reshape([4])];
    });
    const input = Tensor.from(device, [1, 2, 3, 4], [2, 2]);
    const outputs = plan.run([input]);
    input.dispose();
    plan.dispose();
    outer.dispose();
    assert.equal(await dataOf(outputs), [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [7, 8],
      [2, 4, 6, 8],
      [2, 4, 6, 8],
    ]);
    for (const output of outputs) output.dispose();
  },
);

onDevice(
  'a plan takes and gives tensors in arrays, objects and maps, and keeps what is null',
  async (device) => {
    const example = { left: float(2), others: [float(2), new Map([['far', float(2)]])], none: null } as const;
    const plan = capture(device, example, ({ left, others: [near, more], none }) => ({
      sums: [left.add(near), left.subtract(more.get('far') as Tensor)],
      none,
      same: new Map([['left', left]]),
    }));
    assert.equal(plan.outputs, {
      sums: [float(2), float(2)],
      none: null,
      same: new Map([['left', float(2)]]),
    });
    const [left, near, far] = [
      [5, 6],
      [1, 2],
      [3, 3],
    ].map((data) => Tensor.from(device, data));
    // In another order than that of the example.
    const outputs = plan.run({ none: null, others: [near, new Map([['far', far]])], left });
    assert.is(outputs.none, null);
    assert.equal(await dataOf([...outputs.sums, outputs.same.get('left') as Tensor]), [
      [6, 8],
      [2, 3],
      [5, 6],
    ]);
    for (const others of [[near], [near, new Map()], [near, new Map([['far', far]]), far]]) {
      const { message } = await errorOf(ShapeError, () => plan.run({ left, none: null, others } as never));
      assert.match(message, /not tensors in the structure/);
    }
    plan.dispose();
    disposeAll([outputs, left, near, far]);
  },
);

onDevice('intermediate results share memory, and a plan gives all of it back', async (device) => {
  const before = device.memory().storages;
  const plan = capture(device, [float(1000)], ([x]) => {
    let value = x;
    for (let step = 0; step < 20; step++) value = value.tanh();
    return [value];
  });
  assert.is(plan.kernels, 20);
  assert.ok(plan.bytes <= 2 * 4096, `${plan.bytes} bytes for a chain of 4000 each`);
  const x = sample(device, [1000], 1);
  for (let run = 0; run < 3; run++) for (const output of plan.run([x])) output.dispose();
  await device.synchronise();
  const { liveBytes, pooledBytes } = device.memory();
  for (let run = 0; run < 20; run++) for (const output of plan.run([x])) output.dispose();
  await device.synchronise();
  assert.is(device.memory().liveBytes, liveBytes);
  assert.is(device.memory().pooledBytes, pooledBytes);
  plan.dispose();
  plan.dispose();
  x.dispose();
  assert.is(device.memory().storages, before);
});

onDevice(
  'what a plan cannot do while it is captured is refused, and leaves the device as it was',
  async (device) => {
    const kernel = parameter(device, [2, 2], 1);
    const outer = sample(device, [2, 2], 2);
    const refuse = (
      body: (x: Tensor) => unknown,
      kind = UnsupportedError as new (
        message: string,
      ) => Error,
    ) => errorOf(kind, () => capture(device, [float(2, 2)], ([x]) => [body(x) as Tensor]));
    assert.match((await refuse(() => Tensor.from(device, [1]))).message, /upload.*upload them before/);
    await refuse((x) => kernel.assign(x));
    await refuse((x) => capture(device, [x], ([y]) => [y]));
    let reading: Promise<unknown> = Promise.resolve();
    capture(device, [float(2)], ([x]) => {
      reading = errorOf(UnsupportedError, () => outer.data());
      return [x];
    }).dispose();
    await reading;
    const later = async (x: Tensor) => x;
    await errorOf(EkphrasisError, () =>
      capture(device, [float(2)], ([x]) => later(x) as unknown as readonly Tensor[]),
    );
    await refuse((x) => x.matmul(sample(device, [3, 3], 1)));
    await refuse((x) => x.reshape([5]), ShapeError);
    await errorOf(UnsupportedError, () =>
      valueAndGradients(() => {
        capture(device, [float(2)], ([x]) => [x]);
        return outer.sum();
      }, [outer]),
    );
    const { value, gradients } = valueAndGradients(() => outer.sum(), [outer]);
    assert.is((await value.data()).length, 1);
    for (const part of [kernel, outer, value, ...gradients]) part.dispose();
  },
);

onDevice('a plan is refused other inputs, gradients, and parameters that changed or went', async (device) => {
  const kernel = parameter(device, [2, 2], 1);
  const plan = capture(device, [float(3, 2)], ([x]) => [matmul(x, kernel)]);
  const x = sample(device, [3, 2], 2);
  const other = sample(device, [2, 2], 3);
  const integers = Tensor.from(device, new Int32Array(6), [3, 2]);
  assert.match(
    (await errorOf(ShapeError, () => plan.run([other]))).message,
    /\[2, 2\] float32 given, \[3, 2\] float32 expected; capture a plan for these shapes/,
  );
  await errorOf(ShapeError, () => plan.run([]));
  await errorOf(DTypeError, () => plan.run([integers]));
  await errorOf(UnsupportedError, () => valueAndGradients(() => plan.run([x])[0].sum(), [x]));
  kernel.assign(other);
  const stale = await errorOf(UnsupportedError, () => plan.run([x]));
  assert.match(stale.message, /a parameter was assigned after the capture.*capture it again/);
  plan.dispose();
  await errorOf(EkphrasisError, () => plan.run([x]));
  const again = capture(device, [x], ([y]) => [matmul(y, kernel)]);
  assert.equal(again.outputs, [float(3, 2)]);
  kernel.dispose();
  await errorOf(DisposedError, () => again.run([x]));
  again.dispose();
  const last = capture(device, [x], ([y]) => [y.tanh()]);
  last.dispose();
  await errorOf(DisposedError, () => last.run([x]));
  for (const part of [x, other, integers]) part.dispose();
});

test('a plan of a destroyed CPU device does nothing more', async () => {
  const device = await requestDevice({ prefer: 'cpu', threads: 1 });
  const plan = capture(device, [], () => [scalar(device, 1).tanh()]);
  assert.is((await plan.run([])[0].item()).toFixed(4), '0.7616');
  device.destroy();
  assert.match((await errorOf(DisposedError, () => plan.run([]))).message, /the CPU device was destroyed/);
  plan.dispose();
});

onDevice('a tensor that got out of a capture is refused outside', async (device) => {
  let escaped: Tensor | undefined;
  const plan = capture(device, [float(2)], ([x]) => {
    const { device: on } = x;
    const operand = x.tanh().operand('test');
    on.retain(operand.storage);
    escaped = new Tensor(on, operand, false);
    return [x.scale(2)];
  });
  const { message } = await errorOf(UnsupportedError, () => escaped?.add(escaped));
  assert.match(message, /add: the tensor is part of a plan.*return it from the captured function/);
  escaped?.dispose();
  plan.dispose();
});

test.run();
