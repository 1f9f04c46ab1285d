// The captioner as a library: side by side, again and again, and with files or images that do not fit.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Caption, Captioner } from '../src/captioner/captioner.ts';
import type { Decoder } from '../src/captioner/decoder/decoder.ts';
import type { FileSource } from '../src/captioner/file-source.ts';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import { DisposedError, FormatError, ImageError, UnsupportedError } from '../src/kernels/op/errors.ts';
import type { HostWeight } from '../src/nn/module.ts';
import { openScope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { stripedImage, type TinyKind, writeTinyCaptioner } from './tiny-captioner.ts';

const onDevice = await eachDevice(test);
const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-captioner-'));

test.before(async () => {
  for (const kind of ['average', 'attention'] as const) {
    mkdirSync(join(folder, kind));
    await writeTinyCaptioner(join(folder, kind), kind);
  }
});

test.after(() => rmSync(folder, { recursive: true }));

function filesOf(kind: TinyKind): FileSource {
  return (name) => readFile(join(folder, kind, name));
}

const images = [1, 2, 3].map((seed) => decodeImage(stripedImage(seed), `stripes ${seed}`));

onDevice('images captioned side by side get the sentences that they get in turn', async (device) => {
  const captioner = await Captioner.load(filesOf('attention'), device);
  const inTurn: string[] = [];
  for (const image of images) inTurn.push((await captioner.caption(image)).caption);
  assert.ok(
    new Set(inTurn).size > 1,
    'the images must differ in their sentences for this test to mean anything',
  );
  const together = await Promise.all(images.map((image) => captioner.caption(image)));
  assert.equal(
    together.map(({ caption }) => caption),
    inTurn,
  );
  captioner.dispose();
});

onDevice(
  'a captioner that was warmed up gives the same sentences, by weights loaded since too',
  async (device) => {
    const captioner = await Captioner.load(filesOf('attention'), device);
    const cold = await Captioner.load(filesOf('attention'), device);
    await Promise.all([captioner.warmup(), captioner.warmup({ beam: 1 })]);
    const options = [{}, { beam: 1 }];
    for (const image of images) {
      for (const option of options) {
        assert.equal(await captioner.caption(image, option), await cold.caption(image, option));
      }
    }
    const weights = await captioner.decoder.save();
    const { shape, data } = weights.get('output.bias') as HostWeight;
    // Now one word is the likeliest everywhere.
    const dog = captioner.tokenizer.encode('dog')[0];
    const bias = Float32Array.from(data, (value, id) => (id === dog ? value + 1000 : value));
    captioner.decoder.load(new Map([...weights, ['output.bias', { shape, data: bias }]]));
    const { caption } = await captioner.caption(images[0], { beam: 1 });
    assert.match(caption, /^dog( dog)+$/);
    captioner.dispose();
    cold.dispose();
  },
);

onDevice('the next best sentences come with their probabilities, and raise the beam', async (device) => {
  const captioner = await Captioner.load(filesOf('attention'), device);
  for (const image of images) {
    const plain = await captioner.caption(image, { beam: 4 });
    assert.equal([plain.alternatives, plain.attention, plain.unsure], [[], null, false]);
    const { alternatives, ...best } = await captioner.caption(image, { beam: 4, top: 3 });
    assert.equal({ ...best, alternatives: [] }, plain, 'the best one stays the same');
    assert.is(alternatives.length, 2);
    const all = [best, ...alternatives];
    assert.is(new Set(all.map(({ tokens }) => tokens.join())).size, 3);
    for (const sentence of all) {
      assert.is(sentence.caption, captioner.tokenizer.decode(sentence.tokens));
      assert.is(sentence.meanLogProbability, sentence.logProbability / sentence.tokens.length);
    }
    const ranks = all.map(({ logProbability, tokens }) => logProbability / tokens.length ** 0.7);
    assert.equal(
      ranks,
      [...ranks].sort((a, b) => b - a),
    );
    const raised = await captioner.caption(image, { beam: 1, top: 4 });
    assert.is(raised.alternatives.length, 3);
    assert.equal({ ...raised, alternatives: [] }, plain);
  }
  for (const top of [0, 101, 1.5, Number.NaN]) {
    const { message } = await errorOf(UnsupportedError, () => captioner.caption(images[0], { top }));
    assert.match(message, /whole number from 1 to 100/);
  }
  for (const lengthExponent of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    await errorOf(UnsupportedError, () => captioner.caption(images[0], { lengthExponent }));
  }
  captioner.dispose();
});

onDevice('captions below the threshold of config.json are unsure', async (device) => {
  const sure = await Captioner.load(filesOf('average'), device);
  const found: Caption[] = [];
  for (const image of images) found.push(await sure.caption(image));
  sure.dispose();
  const means = found.map(({ meanLogProbability }) => meanLogProbability).sort((a, b) => a - b);
  assert.ok(means[0] < means[1], 'the images must differ in likelihood for this test to mean anything');
  const unsureBelow = (means[0] + means[1]) / 2;
  const doubting = await Captioner.load(async (name) => {
    const bytes = await filesOf('average')(name);
    return name === 'config.json'
      ? Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), unsureBelow }))
      : bytes;
  }, device);
  for (const [place, image] of images.entries()) {
    const { unsure, ...caption } = await doubting.caption(image);
    assert.equal({ ...caption, unsure: false }, found[place]);
    assert.is(unsure, found[place].meanLogProbability === means[0]);
  }
  doubting.dispose();
});

onDevice('attention maps are those of the sentence that was found', async (device) => {
  const captioner = await Captioner.load(filesOf('attention'), device);
  const { storages } = device.memory();
  const plain = await captioner.caption(images[0], { beam: 3 });
  const before = device.memory().storages - storages;
  const { attention, ...caption } = await captioner.caption(images[0], { beam: 3, attention: true });
  assert.is(device.memory().storages - storages, before, 'nothing is left on the device');
  assert.equal({ ...caption, attention: null }, plain);
  assert.ok(attention);
  assert.is(attention.side, 7);
  // The stem's windows have their centres at pixels 13, 21 … 61 of 0 … 74.
  assert.is(attention.first * 75 - 0.5, 13);
  assert.ok(Math.abs(attention.step * 75 - 8) < 1e-12);
  assert.is(attention.weights.length, caption.tokens.length);
  const { decoder, encoder, tokenizer } = captioner;
  const opened = openScope();
  const expected: Float32Array[] = [];
  const encoding = decoder.encode(encoder.features(images[0]));
  let state = decoder.initialState(encoding);
  for (const word of [tokenizer.startId, ...caption.tokens.slice(0, -1)]) {
    const { weights } = (decoder.attention as NonNullable<Decoder['attention']>).forward(
      encoding.features,
      encoding.keys as Tensor,
      state.h,
    );
    state = decoder.advance(decoder.projectWords(Tensor.from(device, Int32Array.of(word))), encoding, state);
    expected.push(Float32Array.from(await weights.data()));
  }
  opened.close();
  for (const [word, weights] of attention.weights.entries()) {
    assert.is(weights.length, 49);
    assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-5);
    assert.ok(weights.every((weight, place) => Math.abs(weight - expected[word][place]) < 1e-5));
  }
  assert.ok(
    attention.weights.some((weights) => Math.max(...weights) > 2 / 49),
    'the words look somewhere for this test to mean anything',
  );
  captioner.dispose();
  const blind = await Captioner.load(filesOf('average'), device);
  const { message } = await errorOf(UnsupportedError, () => blind.caption(images[0], { attention: true }));
  assert.match(message, /this model has none/);
  blind.dispose();
});

onDevice('files that do not fit are refused and leave nothing on the device', async (device) => {
  const mixed =
    (name: string): FileSource =>
    (file) =>
      filesOf(file === name ? 'attention' : 'average')(file);
  const { storages } = device.memory();
  await errorOf(FormatError, () => Captioner.load(mixed('decoder.safetensors'), device));
  assert.is(device.memory().storages, storages);
  const otherWords: FileSource = async (file) => {
    const bytes = await filesOf('average')(file);
    return file === 'tokenizer.json' ? Buffer.from(bytes.toString().replaceAll('"dog"', '"man"')) : bytes;
  };
  await errorOf(FormatError, () => Captioner.load(otherWords, device));
  assert.is(device.memory().storages, storages);
});

onDevice(
  'an image whose data are not height × width × 3 is refused, and any after dispose',
  async (device) => {
    const captioner = await Captioner.load(filesOf('average'), device);
    const colours = { width: 4, height: 2, data: new Uint8Array(4 * 2 * 4) };
    assert.match(
      (await errorOf(ImageError, () => captioner.caption(colours))).message,
      /4×2 with 32 numbers.*leave alpha out/,
    );
    const empty = { width: 0, height: 0, data: new Uint8Array(0) };
    await errorOf(ImageError, () => captioner.caption(empty));
    captioner.dispose();
    const late = await errorOf(DisposedError, () => captioner.caption(images[0]));
    assert.match(late.message, /the parameter .* dispose of a model only after its last use/);
  },
);

test.run();
