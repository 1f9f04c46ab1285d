import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { LSTM } from '../src/nn/layers/lstm.ts';
import { Random } from '../src/nn/random.ts';
import { valueAndGradients } from '../src/tensor/autograd.ts';
import { concat } from '../src/tensor/functions.ts';
import { scope } from '../src/tensor/scope.ts';
import { executeAll, Tensor } from '../src/tensor/tensor.ts';

const active = [4, 4, 3, 1];
const [inputs, units] = [3, 5];

/** The same through autograd, one step after the other. */
function stepByStep(lstm: LSTM, projected: Tensor, context: Tensor, h: Tensor, c: Tensor): Tensor {
  let state = { h, c };
  const hidden = executeAll('split', [projected], { axis: 0, sizes: active }).map((word, step) => {
    const rows = (x: Tensor, width: number) => x.slice([0, 0], [active[step], width]);
    const before = { h: rows(state.h, units), c: rows(state.c, units) };
    state = lstm.advance(word.add(rows(context, 4 * units)), before);
    return state.h;
  });
  return concat(hidden, 0);
}

test('a sequence and its gradients are those of its steps', async () => {
  const device = await CpuDevice.create();
  const make = (shape: number[], seed: number) =>
    Tensor.from(device, Float32Array.from(floatSample(shape, seed).data), shape);
  const lstm = new LSTM(device, new Random(3), { inputs, units });
  const rows = active.reduce((sum, count) => sum + count, 0);
  const [x, context, h, c] = [
    make([rows, inputs], 1),
    make([4, 4 * units], 2),
    make([4, units], 4),
    make([4, units], 5),
  ];
  const weights = make([rows, units], 6);
  const watched = [x, context, h, c, ...lstm.parameters().values()];
  const before = device.memory().storages;
  const run = (hidden: (projected: Tensor) => Tensor) =>
    valueAndGradients(() => hidden(lstm.project(x)).multiply(weights).sum(), watched);
  const results = [
    run((projected) => lstm.sequence(projected, context, { h, c }, active)),
    run((projected) => stepByStep(lstm, projected, context, h, c)),
  ];
  const [ours, theirs] = await Promise.all(
    results.map(({ value, gradients }) => Promise.all([value, ...gradients].map((tensor) => tensor.data()))),
  );
  for (const [index, expected] of theirs.entries()) {
    const scale = Math.max(...expected.map(Math.abs));
    assert.ok(scale > 0.01, `gradient ${index} is not zero`);
    for (const [place, value] of expected.entries()) {
      assert.ok(Math.abs(value - ours[index][place]) < 1e-5 * scale, `gradient ${index} at ${place}`);
    }
  }
  for (const { value, gradients } of results) for (const tensor of [value, ...gradients]) tensor.dispose();
  assert.is(device.memory().storages, before, 'nothing leaks');
  scope(() => {
    lstm.sequence(lstm.project(x), context, { h, c }, active);
  });
  assert.is(device.memory().storages, before, 'nothing leaks without a tape');
});

test.run();
