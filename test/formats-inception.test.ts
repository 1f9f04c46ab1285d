import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../src/kernels/op/errors.ts';
import { inceptionWeights } from '../src/nn/formats/inception-weights.ts';
import type { KerasModel } from '../src/nn/formats/keras-model.ts';
import type { WeightArray } from '../src/nn/formats/weights.ts';
import { encodeWeight } from '../src/nn/formats/weights.ts';
import type { InceptionNaming } from './keras-inception.ts';
import { kerasInception, randomInception } from './keras-inception.ts';

const listed = (naming?: InceptionNaming): WeightArray[] =>
  kerasInception(naming).map(({ path, shape, data }) => ({ name: path.replace(/:0$/, ''), shape, data }));
const nested = (weights: readonly WeightArray[]): KerasModel => ({
  file: 'given.h5',
  layers: [{ name: 'inception_v3', weights }],
});
const array = (name: string, ...shape: number[]): WeightArray => ({
  name,
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
});
const refused = (weights: readonly WeightArray[], message: RegExp) =>
  assert.throws(
    () => inceptionWeights(nested(weights)),
    (error: unknown) =>
      error instanceof FormatError && message.test(error.message) && /given\.h5/.test(error.message),
  );

test('weights find their places whatever the counters, the order and the nesting', () => {
  const expected = randomInception();
  const namings = [
    { firstCounter: 0 },
    {},
    { firstCounter: 95, trainable: true },
    { firstCounter: 6, trainable: true },
  ];
  for (const naming of namings) {
    const { weights, ignored } = inceptionWeights(nested(listed(naming)));
    assert.equal(ignored, []);
    assert.equal([...weights.keys()].sort(), [...expected.keys()].sort());
    for (const [name, { shape, data }] of expected) {
      assert.equal(weights.get(name)?.shape, shape);
      assert.is(weights.get(name)?.data, data);
    }
  }
  const flat = { file: 'f', layers: listed().map((weight) => ({ name: weight.name, weights: [weight] })) };
  assert.is(
    inceptionWeights(flat).weights.get('conv2d_94.kernel')?.data,
    expected.get('conv2d_94.kernel')?.data,
  );
});

test('a top of any class count, gamma, and the encoding are carried over; a foreign head is named', () => {
  const gammas = listed().flatMap(({ name, shape }) =>
    name.endsWith('/beta') ? [array(name.replace('beta', 'gamma'), ...shape)] : [],
  );
  const top = [array('predictions/kernel', 2048, 3), array('predictions/bias', 3)];
  const kernel = listed().find(({ name }) => name === 'conv2d_2/kernel');
  assert.ok(kernel);
  const encoded = encodeWeight(kernel, 'uint8');
  const all = [...listed().filter(({ name }) => name !== kernel.name), encoded, ...gammas, ...top];
  const { weights, ignored } = inceptionWeights(nested([...all, array('dense_1/kernel', 2048, 7)]));
  assert.equal(weights.get('predictions.kernel')?.shape, [2048, 3]);
  assert.equal(weights.get('predictions.bias')?.shape, [3]);
  assert.equal(weights.get('batch_normalization_94.gamma')?.shape, [192]);
  assert.is(weights.get('conv2d_2.kernel')?.encoded, encoded.encoded);
  assert.equal(ignored, ['dense_1/kernel']);
});

test('another network is refused, naming the place', () => {
  const all = listed();
  const without = (name: string) => all.filter((weight) => weight.name !== name);
  const swapped = all.map((weight) => {
    // The 4th and the 5th differ in shape: exchanged, the same counters stand for other layers.
    if (weight.name === 'conv2d_4/kernel') return { ...weight, name: 'conv2d_5/kernel' };
    return weight.name === 'conv2d_5/kernel' ? { ...weight, name: 'conv2d_4/kernel' } : weight;
  });
  refused([], /0 convolutions/);
  refused(without('conv2d_50/kernel'), /93 convolutions .*InceptionV3 has 94/);
  refused([...all, array('conv2d_200/kernel', 1, 1, 1, 1)], /95 convolutions/);
  refused(without('batch_normalization_3/moving_mean'), /batch_normalization_3 has beta, moving_variance/);
  refused([...all, array('conv2d_3/bias', 64)], /conv2d_3 has kernel, bias/);
  refused(
    swapped,
    /conv2d_4\/kernel has the shape \[3, 3, 80, 192\], but convolution 4 of 94 .*\[1, 1, 64, 80\]/,
  );
  refused([...all, array('other/conv2d_3/kernel', 3, 3, 32, 64)], /more than one network/);
  refused([...all, array('batch_normalization_v1_3/beta', 64)], /more than one network/);
  refused([...all, array('predictions/kernel', 2048, 3)], /predictions has kernel/);
  refused(
    [...all, array('predictions/kernel', 1024, 3), array('predictions/bias', 3)],
    /\[1024, 3\].*\[2048, 3\]/,
  );
  refused([...all, array('predictions/kernel', 2048, 3), array('predictions/bias', 4)], /\[4\].*\[3\]/);
});

test.run();
