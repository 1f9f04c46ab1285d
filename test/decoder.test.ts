// The decoder around its step: encoding, packed sentences, dropout, files. The step's numbers are in decoder-golden.test.ts.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Decoder, gridPlaces } from '../src/captioner/decoder/decoder.ts';
import { FeatureTransform } from '../src/captioner/decoder/feature-transform.ts';
import { FormatError, ShapeError } from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { stages } from '../src/nn/inception-v3/architecture.ts';
import type { HostWeight } from '../src/nn/module.ts';
import { disposeAll, scope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { type DecoderKind, randomDecoder, randomFeatures, smallConfig } from './small-decoder.ts';

const onDevice = await eachDevice(test);

/** x · kernel + bias on the host, rows of `from` to rows of the bias's length. */
function dense(
  x: Float64Array,
  kernel: HostWeight,
  bias: HostWeight,
  activation: (x: number) => number,
): Float64Array {
  const [from, to] = kernel.shape;
  const rows = x.length / from;
  const y = new Float64Array(rows * to);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < to; column++) {
      let sum = bias.data[column];
      for (let i = 0; i < from; i++) sum += x[row * from + i] * kernel.data[i * to + column];
      y[row * to + column] = activation(sum);
    }
  }
  return y;
}

const relu = (x: number) => Math.max(0, x);

onDevice('averaged features: root, standardised, projected; the first state is dense', async (device) => {
  const decoder = await randomDecoder(device, 'average', 1);
  const training = Float32Array.from(floatSample([20, 256], 30, 0, 2).data);
  decoder.features.fit(training, 256);
  const features = randomFeatures(device, 'average', 2, 3);
  const encoding = decoder.encode(features);
  const state = decoder.initialState(encoding);
  const saved = await decoder.save();
  const part = (name: string) => saved.get(name) as HostWeight;

  const roots = Float64Array.from(training, Math.sqrt);
  const mean = (channel: number, of: (root: number) => number) => {
    let sum = 0;
    for (let row = 0; row < 20; row++) sum += of(roots[row * 256 + channel]) / 20;
    return sum;
  };
  const standardised = Float64Array.from(await features.data(), (value, index) => {
    const average = mean(index % 256, (root) => root);
    return (Math.sqrt(value) - average) / Math.sqrt(mean(index % 256, (root) => (root - average) ** 2));
  });
  const projected = dense(standardised, part('projection.kernel'), part('projection.bias'), relu);
  compare('encoding', await encoding.features.data(), projected, 1e-5);
  for (const [name, tensor] of [
    ['initialHidden', state.h],
    ['initialCell', state.c],
  ] as const) {
    const expected = dense(projected, part(`${name}.kernel`), part(`${name}.bias`), Math.tanh);
    compare(name, await tensor.data(), expected, 1e-5);
  }
  for (const tensor of [features, state.h, state.c]) tensor.dispose();
  disposeAll(encoding);
  decoder.dispose();
});

onDevice('a grid is projected place by place, and laid out flat where the config says so', async (device) => {
  for (const kind of ['flattened', 'attention'] as const) {
    const decoder = await randomDecoder(device, kind, 3);
    const features = randomFeatures(device, kind, 4, 2);
    const encoding = decoder.encode(features);
    assert.equal(encoding.features.shape, kind === 'flattened' ? [2, 49 * 3] : [2, 49, 3]);
    const saved = await decoder.save();
    const part = (name: string) => saved.get(name) as HostWeight;
    const grid = Float64Array.from(await features.data());
    const expected = dense(grid, part('projection.kernel'), part('projection.bias'), relu);
    compare(kind, await encoding.features.data(), expected, 1e-5);
    assert.is(encoding.keys === null, kind === 'flattened');
    assert.is(encoding.projected === null, kind === 'attention');
    features.dispose();
    disposeAll(encoding);
    decoder.dispose();
  }
});

onDevice('features of another rank are refused', async (device) => {
  const decoder = await randomDecoder(device, 'average', 1);
  const features = randomFeatures(device, 'attention', 2);
  const { message } = await errorOf(ShapeError, () => decoder.encode(features));
  assert.match(message, /\[1, 49, 256\] were given; this model's pooling is "average"/);
  features.dispose();
  decoder.dispose();
});

onDevice('the parts of a step leave nothing but their results', async (device) => {
  for (const kind of ['average', 'flattened', 'attention'] as const) {
    const decoder = await randomDecoder(device, kind, 5);
    const features = randomFeatures(device, kind, 6);
    const ids = Tensor.from(device, Int32Array.of(4));
    const before = device.memory().storages;
    const encoding = decoder.encode(features);
    const state = decoder.initialState(encoding);
    const words = decoder.projectWords(ids);
    const next = decoder.advance(words, encoding, state);
    const logits = decoder.logits(next.h);
    const hidden = decoder.hiddenStates(words, encoding, [1]);
    assert.equal([...(await hidden.data())], [...(await next.h.data())]);
    assert.is(device.memory().storages, before + (kind === 'attention' ? 3 : 2) + 2 + 1 + 2 + 1 + 1, kind);
    const all = [features, ids, words, logits, hidden, ...Object.values(state), ...Object.values(next)];
    for (const tensor of all) tensor.dispose();
    disposeAll(encoding);
    decoder.dispose();
  }
});

onDevice('sentences laid out together have the hidden states that each has alone', async (device) => {
  const active = [3, 2, 2, 1];
  const sentences = [[2, 4, 5, 6], [2, 6, 4], [2]];
  for (const kind of ['average', 'flattened', 'attention'] as DecoderKind[]) {
    const decoder = await randomDecoder(device, kind, 7);
    const features = randomFeatures(device, kind, 8, 2);
    const encoding = decoder.encode(features);
    const images = [1, 0, 1];
    const packed = active.flatMap((count, step) => sentences.slice(0, count).map((ids) => ids[step]));
    const together = scope(() => {
      const rows = decoder.select(encoding, Tensor.from(device, Int32Array.from(images)));
      return decoder.hiddenStates(
        decoder.projectWords(Tensor.from(device, Int32Array.from(packed))),
        rows,
        active,
      );
    });
    assert.equal(together.shape, [8, 4]);
    const found = await together.data();
    together.dispose();
    for (const [sentence, ids] of sentences.entries()) {
      const alone = scope(() => {
        const row = decoder.select(encoding, Tensor.from(device, Int32Array.of(images[sentence])));
        let state = decoder.initialState(row);
        return ids.map((id) => {
          state = decoder.advance(decoder.projectWords(Tensor.from(device, Int32Array.of(id))), row, state);
          return state.h;
        });
      });
      for (const [step, h] of alone.entries()) {
        const row = active.slice(0, step).reduce((sum, count) => sum + count, 0) + sentence;
        const hidden = Float64Array.from(found.slice(row * 4, row * 4 + 4));
        compare(`${kind}, sentence ${sentence}, step ${step}`, hidden, await h.data(), 1e-5);
        h.dispose();
      }
    }
    features.dispose();
    disposeAll(encoding);
    decoder.dispose();
  }
});

onDevice('what was saved loads into another; the LSTM kernel is one, encoding first', async (device) => {
  const decoder = await randomDecoder(device, 'average', 9);
  const saved = await decoder.save();
  assert.equal(saved.get('lstm.kernel')?.shape, [3 + 3, 16]);
  assert.not(saved.has('encodingKernel'));
  const kernel = saved.get('lstm.kernel') as HostWeight;
  assert.equal([...kernel.data.slice(0, 48)], [...(await decoder.encodingKernel.data())]);
  assert.equal([...kernel.data.slice(48)], [...(await decoder.lstm.kernel.data())]);
  const counted = Float32Array.from({ length: 96 }, (_, index) => index);
  saved.set('lstm.kernel', { shape: [6, 16], data: counted });
  const other = new Decoder(device, null, smallConfig('average'));
  other.load(saved);
  for (const [name, { shape, data }] of await other.save()) {
    assert.equal(shape, saved.get(name)?.shape);
    assert.equal([...data], [...(saved.get(name)?.data ?? [])], name);
  }
  assert.equal([...(await other.encodingKernel.data())], [...counted.slice(0, 48)]);
  assert.equal([...(await other.lstm.kernel.data())], [...counted.slice(48)]);
  const wrong = new Map(saved);
  wrong.set('lstm.kernel', { shape: [5, 16], data: new Float32Array(80) });
  assert.match(
    (await errorOf(FormatError, () => other.load(wrong, 'decoder.safetensors'))).message,
    /^decoder.safetensors: the weight "lstm.kernel" is \[5, 16\], expected \[6, 16\]/,
  );
  wrong.delete('lstm.kernel');
  assert.match((await errorOf(FormatError, () => other.load(wrong))).message, /"lstm.kernel" is missing/);
  decoder.dispose();
  other.dispose();
});

onDevice('a channel that never varies is not divided by its zero deviation', async (device) => {
  const transform = new FeatureTransform(device, 2, ['standardise']);
  transform.fit(Float32Array.of(1, 5, 3, 5), 2);
  assert.equal([...((await transform.mean?.data()) ?? [])], [2, 5]);
  assert.equal([...((await transform.deviation?.data()) ?? [])], [1, 1]);
  const x = Tensor.from(device, [4, 5], [1, 2]);
  const y = transform.forward(x);
  assert.equal([...(await y.data())], [2, 0]);
  for (const part of [x, y, transform]) part.dispose();
});

onDevice('dropout works in training alone, wherever a rate is given', async (device) => {
  const features = randomFeatures(device, 'average', 11);
  const ids = Tensor.from(device, Int32Array.of(4, 5, 6, 4, 5, 6));
  for (const rates of [
    { encoding: 0.5, embedding: 0, output: 0 },
    { encoding: 0, embedding: 0.5, output: 0 },
    { encoding: 0, embedding: 0, output: 0.5 },
  ]) {
    const decoder = await randomDecoder(device, 'average', 10, { encoding: 24 }, rates);
    const outputs = async () => {
      const tensors = scope(() => {
        const { features: encoding } = decoder.encode(features);
        return [
          encoding,
          decoder.projectWords(ids),
          decoder.logits(
            decoder.initialState({ features: encoding, projected: null, keys: null, choice: null }).h,
          ),
        ];
      });
      const read = await Promise.all(tensors.map(async (tensor) => [...(await tensor.data())].join()));
      for (const tensor of tensors) tensor.dispose();
      return read;
    };
    const rest = await outputs();
    assert.equal(await outputs(), rest);
    decoder.train();
    const trained = await outputs();
    // Where the encoding drops, so do the logits that come of it.
    const changed = [rates.encoding > 0, rates.embedding > 0, rates.encoding > 0 || rates.output > 0];
    assert.equal(
      trained.map((value, index) => value !== rest[index]),
      changed,
    );
    decoder.train(false);
    assert.equal(await outputs(), rest);
    decoder.dispose();
  }
  features.dispose();
  ids.dispose();
});

test('a grid has as many places as the stage of the network', () => {
  const { encoder } = smallConfig('attention');
  for (const imageSide of [75, 128, 299, 320]) {
    let side = imageSide;
    for (const { name, branches } of stages) {
      for (const step of branches[0]) {
        if (step.kind === 'maxPool') side = Math.ceil((side - 2) / 2);
        if (step.kind === 'convolution' && step.padding === 'valid') {
          side = Math.ceil((side - step.size[0] + 1) / step.stride);
        }
      }
      if (name.startsWith('stem')) continue;
      assert.is(
        gridPlaces({ ...encoder, imageSide, outputs: [name] }),
        side * side,
        `${name} of ${imageSide}`,
      );
    }
  }
});

test.run();
