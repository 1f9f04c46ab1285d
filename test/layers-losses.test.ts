import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DTypeError, ShapeError } from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { meanAbsoluteError, meanSquaredError, sparseCategoricalCrossentropy } from '../src/nn/losses.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { checkFunction } from './gradient-check.ts';

const onDevice = await eachDevice(test);

const logitsSample = floatSample([2, 3, 4], 1, -3, 3);
const labelValues = [1, 3, 0, 2, 0, 0];

/** −log softmax at the label, row by row. */
function rowLosses(): number[] {
  return labelValues.map((label, row) => {
    const logits = logitsSample.data.slice(row * 4, row * 4 + 4);
    return Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[label];
  });
}

onDevice('sparseCategoricalCrossentropy averages over what counts', async (device) => {
  const logits = Tensor.from(device, Float32Array.from(logitsSample.data), [2, 3, 4]);
  const labels = Tensor.from(device, Int32Array.from(labelValues), [2, 3]);
  const rows = rowLosses();
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const counted = rows.filter((_, row) => labelValues[row] !== 0);
  const cases: [Tensor, number][] = [
    [sparseCategoricalCrossentropy(logits, labels), sum(rows) / 6],
    [sparseCategoricalCrossentropy(logits, labels, { ignore: 0 }), sum(counted) / 3],
    [sparseCategoricalCrossentropy(logits, labels, { ignore: 0, mean: 'all' }), sum(counted) / 6],
  ];
  for (const [loss, expected] of cases) {
    assert.equal(loss.shape, []);
    compare('loss', await loss.data(), Float64Array.of(expected), 1e-6);
    loss.dispose();
  }
  const padding = Tensor.from(device, new Int32Array(6), [2, 3]);
  const nothing = sparseCategoricalCrossentropy(logits, padding, { ignore: 0 });
  assert.is(await nothing.item(), 0, 'a batch of padding alone');
  for (const tensor of [logits, labels, padding, nothing]) tensor.dispose();
});

onDevice('sparseCategoricalCrossentropy has the gradient of its mean', (device) =>
  checkFunction(device, { logits: logitsSample }, ({ logits }, on) =>
    sparseCategoricalCrossentropy(logits, Tensor.from(on, Int32Array.from(labelValues), [2, 3]), {
      ignore: 0,
    }),
  ),
);

onDevice('labels must be whole numbers, one for each row', async (device) => {
  const logits = Tensor.from(device, Float32Array.from(logitsSample.data), [2, 3, 4]);
  const floats = Tensor.from(device, [1, 2, 3, 0, 1, 2], [2, 3]);
  const few = Tensor.from(device, Int32Array.of(1, 2));
  await errorOf(DTypeError, () => sparseCategoricalCrossentropy(logits, floats));
  await errorOf(ShapeError, () => sparseCategoricalCrossentropy(logits, few));
  for (const tensor of [logits, floats, few]) tensor.dispose();
});

onDevice('mean squared and mean absolute error', async (device) => {
  const predicted = Tensor.from(device, [1, -2, 3, 5], [2, 2]);
  const expected = Tensor.from(device, [0, 2, 3, 4], [2, 2]);
  const squared = meanSquaredError(predicted, expected);
  const absolute = meanAbsoluteError(predicted, expected);
  assert.is(await squared.item(), (1 + 16 + 0 + 1) / 4);
  assert.is(await absolute.item(), (1 + 4 + 0 + 1) / 4);
  for (const tensor of [predicted, expected, squared, absolute]) tensor.dispose();
  const samples = { predicted: floatSample([3, 4], 2), expected: floatSample([4], 3) };
  await checkFunction(device, samples, (x) => meanSquaredError(x.predicted, x.expected));
  await checkFunction(device, samples, (x) => meanAbsoluteError(x.predicted, x.expected));
});

test.run();
