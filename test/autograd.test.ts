import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../src/kernels/device.ts';
import { EkphrasisError, ShapeError, UnsupportedError } from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { valueAndGradients } from '../src/tensor/autograd.ts';
import {
  argmax,
  averagePool,
  broadcastTo,
  concat,
  conv2d,
  dropout,
  gather,
  logSoftmax,
  lstmGates,
  matmul,
  maxPool,
  resizeBilinear,
  sparseCrossEntropy,
  topK,
} from '../src/tensor/functions.ts';
import { execute, executeAll, scalar, Tensor } from '../src/tensor/tensor.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { checkFunction } from './gradient-check.ts';

const onDevice = await eachDevice(test);

/** A fixed weighting of all elements, so that no gradient vanishes by symmetry. */
function weighted(x: Tensor, device: Device): Tensor {
  const weights = Tensor.from(device, Float32Array.from(floatSample(x.shape, 77).data), x.shape);
  return x.multiply(weights).sum();
}

onDevice('a tensor used several times gathers its gradients', async (device) => {
  const x = Tensor.from(device, [2, -3]);
  // x³ + 2x, by four uses of x.
  const { value, gradients } = valueAndGradients(() => x.multiply(x).multiply(x).add(x).add(x).sum(), [x]);
  assert.is(await value.item(), 8 + 4 - 27 - 6);
  assert.equal([...(await gradients[0].data())], [3 * 4 + 2, 3 * 9 + 2]);
  for (const tensor of [x, value, ...gradients]) tensor.dispose();
});

onDevice('a small network: dense layers, relu and cross-entropy', (device) =>
  checkFunction(
    device,
    {
      x: floatSample([3, 4], 1),
      first: floatSample([4, 5], 2),
      bias: floatSample([5], 3),
      second: floatSample([5, 6], 4),
    },
    ({ x, first, bias, second }, on) => {
      const hidden = matmul(x, first, { bias, activation: 'tanh' }).relu();
      const labels = Tensor.from(on, Int32Array.of(0, 5, 2));
      return sparseCrossEntropy(matmul(hidden, second), labels).mean();
    },
  ),
);

onDevice('through views and copies: reshape, transpose, slice, pad, split, concat, broadcastTo', (device) =>
  checkFunction(device, { x: floatSample([2, 3, 4], 5), y: floatSample([2, 1, 4], 6) }, ({ x, y }, on) => {
    const rows = x.reshape([6, 4]).transpose().reshape([2, -1]);
    const middle = x.slice([0, 1, 1], [-1, 2, 2]).reshape([2, 4]);
    const paddings = [
      [1, 0],
      [0, 2],
    ] as const;
    const padded = execute('pad', [middle], { paddings: paddings.map(([a, b]) => [a, b]), value: 0.5 });
    const [left, right] = executeAll('split', [rows], { axis: 1, sizes: [5, 7] });
    const repeated = broadcastTo(y, [2, 3, 4]).reshape([2, 12]);
    const joined = concat([right, left, repeated], 1);
    return weighted(joined, on).add(weighted(padded.tanh(), on));
  }),
);

onDevice('through broadcasting on either side, scalars included', (device) =>
  checkFunction(
    device,
    {
      a: floatSample([3, 1, 4], 7),
      b: floatSample([5, 1], 8, 0.5, 2),
      c: floatSample([], 9, 1, 2),
      d: floatSample([4], 10),
    },
    ({ a, b, c, d }, on) => weighted(a.multiply(b).subtract(d).divide(b).add(c).multiply(c).scale(0.5), on),
  ),
);

onDevice('a small convolutional network with both poolings and a resize', (device) =>
  checkFunction(
    device,
    { x: floatSample([2, 7, 6, 2], 11), kernel: floatSample([3, 3, 2, 3], 12), bias: floatSample([3], 13) },
    ({ x, kernel, bias }, on) => {
      const y = conv2d(x, kernel, { bias, strides: [2, 1], padding: 'same', activation: 'sigmoid' });
      const largest = maxPool(y, { size: [2, 2], strides: [1, 2], padding: 'same' });
      const average = averagePool(y, { size: [3, 3], strides: [1, 2], padding: 'same' });
      const resized = resizeBilinear(y, 4, 3);
      return weighted(concat([largest, average, resized], 3), on);
    },
  ),
);

onDevice('rows that are gathered twice, softmax and reductions', (device) =>
  checkFunction(device, { table: floatSample([5, 3], 14) }, ({ table }, on) => {
    const rows = gather(table, Tensor.from(on, Int32Array.of(4, 0, 4, 4), [2, 2]));
    const soft = rows.softmax().multiply(logSoftmax(rows));
    return weighted(soft.sum([1]), on).add(rows.mean([0, 2]).tanh().sum());
  }),
);

onDevice('two LSTM steps, dropout and division in one graph', (device) =>
  checkFunction(
    device,
    { z: floatSample([2, 12], 15), h: floatSample([2, 3], 16), u: floatSample([3, 12], 17) },
    ({ z, h, u }, on) => {
      let state = { h, c: h.scale(0.5) };
      for (let step = 0; step < 2; step++) {
        state = lstmGates(z.add(matmul(state.h, u)), state.c, 'tanh', 'sigmoid');
      }
      return weighted(dropout(state.h.divide(state.c.sigmoid()), 0.4, 3), on);
    },
  ),
);

onDevice('zeros for a watched tensor that the loss does not depend on', async (device) => {
  const x = Tensor.from(device, [1, 2]);
  const unused = Tensor.from(device, [1, 2, 3], [3, 1]);
  const cut = Tensor.from(device, [5, 1, 2]);
  const { value, gradients } = valueAndGradients(() => {
    // Class numbers have no slope: what leads through them is zero.
    const best = execute('cast', [argmax(cut)], { dtype: 'float32' });
    return x.sum().add(best);
  }, [unused, x, cut]);
  assert.is(await value.item(), 3);
  assert.equal(
    gradients.map(({ shape }) => shape),
    [[3, 1], [2], [3]],
  );
  assert.equal([...(await gradients[0].data())], [0, 0, 0]);
  assert.equal([...(await gradients[1].data())], [1, 1]);
  assert.equal([...(await gradients[2].data())], [0, 0, 0]);
  for (const tensor of [x, unused, cut, value, ...gradients]) tensor.dispose();
});

onDevice('a loss that is a watched tensor itself, or depends on none', async (device) => {
  const x = Tensor.from(device, [4], [1, 1]);
  const own = valueAndGradients(() => x, [x]);
  assert.is(own.value, x);
  assert.equal(own.gradients[0].shape, [1, 1]);
  assert.is(await own.gradients[0].item(), 1);
  const none = valueAndGradients(() => scalar(device, 3), [x]);
  assert.is(await none.value.item(), 3);
  assert.is(await none.gradients[0].item(), 0);
  for (const tensor of [x, none.value, ...own.gradients, ...none.gradients]) tensor.dispose();
});

onDevice(
  'gradients of two inputs that are the same tensor inside have lifetimes of their own',
  async (device) => {
    const a = Tensor.from(device, [1, 2]);
    const b = Tensor.from(device, [3, 4]);
    const { value, gradients } = valueAndGradients(() => a.add(b).sum(), [a, b]);
    gradients[0].dispose();
    assert.equal([...(await gradients[1].data())], [1, 1]);
    for (const tensor of [a, b, value, gradients[1]]) tensor.dispose();
  },
);

onDevice('what the function frees itself is still there on the way back', async (device) => {
  const x = Tensor.from(device, [3]);
  const { value, gradients } = valueAndGradients(() => {
    const square = x.multiply(x);
    const fourth = square.multiply(square);
    square.dispose();
    return fourth.sum();
  }, [x]);
  assert.is(await gradients[0].item(), 4 * 27);
  for (const tensor of [x, value, ...gradients]) tensor.dispose();
});

onDevice('only value and gradients are left', async (device) => {
  const x = Tensor.from(device, [1, 2, 3]);
  const before = device.memory().storages;
  const { value, gradients } = valueAndGradients(() => x.tanh().multiply(x).softmax().sum(), [x]);
  assert.is(device.memory().storages, before + 2);
  for (const tensor of [x, value, ...gradients]) tensor.dispose();
});

onDevice('an op without a gradient on the way is refused by name, and nothing is left', async (device) => {
  const x = Tensor.from(device, [1, 2, 3]);
  const before = device.memory().storages;
  const loss = () => topK(x.scale(2), 2).values.multiply(x.sum()).sum();
  const { message } = await errorOf(UnsupportedError, () => valueAndGradients(loss, [x]));
  assert.match(message, /^topK: has no gradient/);
  assert.is(device.memory().storages, before);
  // Where nothing watched leads through it, it is no hindrance.
  const other = Tensor.from(device, [1]);
  const { value, gradients } = valueAndGradients(() => topK(x, 1).values.multiply(other).sum(), [other]);
  assert.is(await gradients[0].item(), 3);
  for (const tensor of [x, other, value, ...gradients]) tensor.dispose();
});

onDevice('a loss of several elements is refused with its shape', async (device) => {
  const x = Tensor.from(device, [1, 2]);
  const { message } = await errorOf(ShapeError, () => valueAndGradients(() => x.scale(2), [x]));
  assert.match(message, /\[2\] float32; reduce it/);
  x.dispose();
});

onDevice('a function that throws, or returns no tensor, leaves nothing and no recording', async (device) => {
  const x = Tensor.from(device, [1, 2]);
  const before = device.memory().storages;
  const failing = () => x.scale(2).reshape([3]);
  await errorOf(ShapeError, () => valueAndGradients(failing, [x]));
  const later = (async () => x.sum()) as unknown as () => Tensor;
  const { message } = await errorOf(EkphrasisError, () => valueAndGradients(later, [x]));
  assert.match(message, /not a Promise/);
  assert.is(device.memory().storages, before);
  const outside = x.scale(2);
  assert.is(device.memory().storages, before + 1, 'nothing records any more');
  outside.dispose();
  assert.is(device.memory().storages, before);
  x.dispose();
});

onDevice('gradients inside of a differentiated function are refused', async (device) => {
  const x = Tensor.from(device, [2]);
  const nested = () => valueAndGradients(() => x.multiply(x).sum(), [x]).gradients[0].sum();
  const { message } = await errorOf(UnsupportedError, () => valueAndGradients(nested, [x]));
  assert.match(message, /no second derivatives/);
  x.dispose();
});

test.run();
