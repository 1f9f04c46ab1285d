// Optimisers against TensorFlow.js and float64 trajectories, checkpoints, clipping.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../src/kernels/device.ts';
import { FormatError, ShapeError } from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { meanSquaredError } from '../src/nn/losses.ts';
import type { HostWeight } from '../src/nn/module.ts';
import { Adam } from '../src/nn/optimisers/adam.ts';
import { AdamW } from '../src/nn/optimisers/adamw.ts';
import { clipByGlobalNorm } from '../src/nn/optimisers/clip.ts';
import { Nadam } from '../src/nn/optimisers/nadam.ts';
import type { Optimiser } from '../src/nn/optimisers/optimiser.ts';
import { SGD } from '../src/nn/optimisers/sgd.ts';
import { valueAndGradients } from '../src/tensor/autograd.ts';
import { matmul } from '../src/tensor/functions.ts';
import { Parameter } from '../src/tensor/parameter.ts';
import { openScope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { readGolden, type StoredTensor, upload } from './golden.ts';

interface Step {
  readonly lossBefore: number;
  readonly kernel: number[];
  readonly bias: number[];
}

interface Golden {
  readonly optimisers: {
    readonly problem: Readonly<Record<'input' | 'target' | 'kernel' | 'bias', StoredTensor>>;
    readonly cases: readonly {
      readonly name: string;
      readonly attrs: { learningRate: number; beta1: number; beta2: number; epsilon: number };
      readonly steps: readonly Step[];
    }[];
  };
}

type Parameters = ReadonlyMap<string, Parameter>;

const { problem, cases } = readGolden<Golden>('ops.json').optimisers;
const onDevice = await eachDevice(test);

/** The least-squares problem of the golden file. */
class Problem {
  readonly input: Tensor;
  readonly target: Tensor;
  readonly parameters: Map<string, Parameter>;

  constructor(device: Device) {
    this.input = upload(device, problem.input);
    this.target = upload(device, problem.target);
    this.parameters = new Map(
      (['kernel', 'bias'] as const).map((name) => {
        const { shape, data } = problem[name];
        return [name, new Parameter(device, Float32Array.from(data), shape)];
      }),
    );
  }

  /** One step; resolves to the loss before it. */
  async step(optimiser: Optimiser, learningRate: number): Promise<number> {
    const opened = openScope();
    try {
      const { value, gradients } = valueAndGradients(() => {
        const bias = this.parameters.get('bias');
        const predicted = matmul(this.input, this.parameters.get('kernel') as Tensor, { bias });
        return meanSquaredError(predicted, this.target);
      }, optimiser.parameters);
      optimiser.step(gradients, learningRate);
      return await value.item();
    } finally {
      opened.close();
    }
  }

  async weights(): Promise<Map<string, HostWeight>> {
    const read = new Map<string, HostWeight>();
    for (const [name, parameter] of this.parameters) {
      read.set(name, { shape: parameter.shape, data: await parameter.data() });
    }
    return read;
  }

  dispose(): void {
    for (const tensor of [this.input, this.target, ...this.parameters.values()]) tensor.dispose();
  }
}

async function checkTrajectory(
  device: Device,
  name: string,
  make: (parameters: Parameters) => Optimiser,
  tolerance = 1e-6,
): Promise<void> {
  const golden = cases.find((candidate) => candidate.name === name);
  assert.ok(golden, name);
  const model = new Problem(device);
  const optimiser = make(model.parameters);
  for (const [index, { lossBefore, kernel, bias }] of golden.steps.entries()) {
    const loss = await model.step(optimiser, golden.attrs.learningRate);
    compare(`loss before step ${index + 1}`, Float64Array.of(loss), Float64Array.of(lossBefore), 2e-6);
    for (const [part, expected] of Object.entries({ kernel, bias })) {
      const actual = await (model.parameters.get(part) as Parameter).data();
      compare(`${part} after step ${index + 1}`, actual, Float64Array.from(expected), tolerance);
    }
  }
  optimiser.dispose();
  model.dispose();
}

onDevice('SGD walks as in TensorFlow.js', (device) => checkTrajectory(device, 'sgd', (p) => new SGD(p)));

onDevice('Adam walks as in Keras, epsilon beside the uncorrected root', (device) =>
  checkTrajectory(device, 'adam, epsilon hat', (p) => new Adam(p)),
);

onDevice('Nadam walks as in Keras, with its schedule of the momentum', (device) =>
  checkTrajectory(device, 'nadam', (p) => new Nadam(p)),
);

onDevice('Adam adds epsilon before the correction of the root', async (device) => {
  // With an epsilon as large as the root, where it is added decides the step.
  const parameter = new Parameter(device, Float32Array.of(1), [1]);
  const optimiser = new Adam(new Map([['p', parameter]]), { epsilon: 0.01 });
  const gradient = Tensor.from(device, [0.1]);
  optimiser.step([gradient], 0.5);
  const rate = (0.5 * Math.sqrt(1 - 0.999)) / (1 - 0.9);
  const expected = 1 - (rate * 0.1 * 0.1) / (Math.sqrt(0.001 * 0.01) + 0.01);
  compare('Keras', await parameter.data(), Float64Array.of(expected), 1e-6);
  const paper = 1 - (0.5 * 0.1) / (0.1 + 0.01);
  assert.ok(Math.abs(expected - paper) > 0.1, 'the two forms differ here');
  gradient.dispose();
  optimiser.dispose();
  parameter.dispose();
});

onDevice('AdamW walks as Adam and takes a part of kernels away, not of biases', async (device) => {
  const [plain, decayed] = [new Problem(device), new Problem(device)];
  const [adam, adamw] = [new Adam(plain.parameters), new AdamW(decayed.parameters, { weightDecay: 0.5 })];
  const before = await plain.weights();
  await plain.step(adam, 0.1);
  await decayed.step(adamw, 0.1);
  const [without, withDecay] = [await plain.weights(), await decayed.weights()];
  const values = (from: Map<string, HostWeight>, name: string) => [...(from.get(name)?.data ?? [])];
  assert.equal(values(withDecay, 'bias'), values(without, 'bias'));
  const kernel = values(without, 'kernel').map((value, i) => value - 0.05 * values(before, 'kernel')[i]);
  compare('kernel', Float64Array.from(values(withDecay, 'kernel')), Float64Array.from(kernel), 1e-6);
  for (const part of [adam, adamw, plain, decayed]) part.dispose();
});

onDevice('SGD with momentum keeps a velocity', async (device) => {
  const parameter = new Parameter(device, Float32Array.of(1, -2), [2]);
  const optimiser = new SGD(new Map([['p', parameter]]), { momentum: 0.9 });
  const expected = [1, -2];
  const velocity = [0, 0];
  for (const slopes of [
    [0.5, 1],
    [-0.25, 1],
    [0, 0],
  ]) {
    const gradient = Tensor.from(device, slopes);
    optimiser.step([gradient], 0.1);
    gradient.dispose();
    for (const i of [0, 1]) {
      velocity[i] = 0.9 * velocity[i] - 0.1 * slopes[i];
      expected[i] += velocity[i];
    }
    compare('parameter', await parameter.data(), Float64Array.from(expected), 1e-6);
  }
  optimiser.dispose();
  parameter.dispose();
});

const kinds: Record<string, (parameters: Parameters) => Optimiser> = {
  SGD: (parameters) => new SGD(parameters),
  'SGD with momentum': (parameters) => new SGD(parameters, { momentum: 0.8 }),
  Adam: (parameters) => new Adam(parameters),
  AdamW: (parameters) => new AdamW(parameters, { weightDecay: 0.3 }),
  Nadam: (parameters) => new Nadam(parameters),
};

for (const [kind, make] of Object.entries(kinds)) {
  onDevice(`${kind} saved and restored goes on bit by bit`, async (device) => {
    const model = new Problem(device);
    const optimiser = make(model.parameters);
    for (let step = 0; step < 3; step++) await model.step(optimiser, 0.05);
    const { steps, memory } = await optimiser.save();
    assert.is(steps, 3);
    const other = new Problem(device);
    // One that has been used before: nothing of its past may stay.
    const restored = make(other.parameters);
    for (let step = 0; step < 5; step++) {
      const gradients = [...other.parameters.values()].map((parameter) =>
        Tensor.from(device, Float32Array.from(floatSample(parameter.shape, step).data), parameter.shape),
      );
      restored.step(gradients, 0);
      for (const gradient of gradients) gradient.dispose();
    }
    for (const [name, { data }] of await model.weights()) {
      other.parameters.get(name)?.load(data);
    }
    restored.restore(steps, memory);
    for (let step = 0; step < 3; step++) {
      const losses = [await model.step(optimiser, 0.05), await other.step(restored, 0.05)];
      assert.is(losses[0], losses[1]);
    }
    const [ours, theirs] = [await model.weights(), await other.weights()];
    for (const [name, { data }] of ours) assert.equal([...(theirs.get(name)?.data ?? [])], [...data], name);
    for (const part of [optimiser, restored, model, other]) part.dispose();
  });
}

onDevice('a checkpoint before the first step is empty, and restored it forgets all', async (device) => {
  const [model, fresh] = [new Problem(device), new Problem(device)];
  const [used, unused] = [new Adam(model.parameters), new Adam(fresh.parameters)];
  const { steps, memory } = await used.save();
  assert.equal([steps, memory.size], [0, 0]);
  await model.step(used, 0.05);
  for (const [name, { data }] of await fresh.weights()) model.parameters.get(name)?.load(data);
  used.restore(steps, memory);
  for (let step = 0; step < 2; step++) {
    assert.is(await model.step(used, 0.05), await fresh.step(unused, 0.05));
  }
  for (const part of [used, unused, model, fresh]) part.dispose();
});

onDevice(
  'a checkpoint of another model or another optimiser is refused, and nothing changes',
  async (device) => {
    const model = new Problem(device);
    const adam = new Adam(model.parameters);
    await model.step(adam, 0.1);
    const { steps, memory } = await adam.save();
    const plain = new SGD(model.parameters, { momentum: 0.9 });
    assert.match(
      (await errorOf(FormatError, () => plain.restore(steps, memory))).message,
      /nothing as "velocity.kernel".*another model or another optimiser/,
    );
    const other = new Map(memory);
    other.set('mean.kernel', { shape: [3, 3], data: new Float32Array(9) });
    assert.match(
      (await errorOf(FormatError, () => adam.restore(steps, other))).message,
      /\[3, 3\] as "mean.kernel", this optimiser \[3, 2\]/,
    );
    other.set('mean.kernel', memory.get('mean.kernel') as HostWeight);
    other.set('mean.extra', { shape: [1], data: new Float32Array(1) });
    assert.match((await errorOf(FormatError, () => adam.restore(steps, other))).message, /mean.extra/);
    other.delete('mean.extra');
    other.delete('square.bias');
    assert.match(
      (await errorOf(FormatError, () => adam.restore(steps, other))).message,
      /nothing as "square.bias"/,
    );
    const kept = await adam.save();
    assert.equal(
      [...(kept.memory.get('mean.kernel')?.data ?? [])],
      [...(memory.get('mean.kernel')?.data ?? [])],
    );
    for (const part of [adam, plain, model]) part.dispose();
  },
);

onDevice('a step wants one gradient for each parameter, of its shape', async (device) => {
  const model = new Problem(device);
  const optimiser = new Adam(model.parameters);
  const kernel = upload(device, problem.kernel);
  const wrong = Tensor.from(device, [1, 2, 3]);
  const few = await errorOf(ShapeError, () => optimiser.step([kernel], 0.1));
  assert.match(few.message, /1 gradients were given for 2 parameters/);
  const misshapen = await errorOf(ShapeError, () => optimiser.step([kernel, wrong], 0.1));
  assert.match(misshapen.message, /^adam: .*\[3\] float32 but input 0 is \[2\] float32/);
  for (const part of [optimiser, model, kernel, wrong]) part.dispose();
});

onDevice('clipByGlobalNorm scales all gradients by one factor, or leaves them', async (device) => {
  const gradients = [Tensor.from(device, [3, 0, -4], [3, 1]), Tensor.from(device, [12])];
  const clipped = clipByGlobalNorm(gradients, 6.5);
  assert.is(await clipped.norm.item(), 13);
  assert.equal(
    clipped.gradients.map(({ shape }) => shape),
    [[3, 1], [1]],
  );
  compare('first', await clipped.gradients[0].data(), Float64Array.of(1.5, 0, -2), 1e-6);
  compare('second', await clipped.gradients[1].data(), Float64Array.of(6), 1e-6);
  const whole = clipByGlobalNorm(gradients, 13.5);
  assert.equal([...(await whole.gradients[0].data())], [3, 0, -4]);
  assert.equal([...(await whole.gradients[1].data())], [12]);
  const zero = Tensor.from(device, [0, 0]);
  const still = clipByGlobalNorm([zero], 1);
  assert.equal([...(await still.gradients[0].data())], [0, 0]);
  for (const { norm, gradients: made } of [clipped, whole, still])
    for (const tensor of [norm, ...made]) tensor.dispose();
  for (const tensor of [...gradients, zero]) tensor.dispose();
  assert.match((await errorOf(ShapeError, () => clipByGlobalNorm([], 1))).message, /no gradients/);
});

test.run();
