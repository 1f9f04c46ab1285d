import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCaptionerConfig } from '../src/captioner/config.ts';
import { convertCaptioner } from '../src/captioner/convert/captioner.ts';
import { readCaptionerDecoder } from '../src/captioner/convert/captioner-decoder.ts';
import { readCaptionerEncoder } from '../src/captioner/convert/captioner-encoder.ts';
import { Tokenizer } from '../src/captioner/tokenizer/tokenizer.ts';
import { FormatError } from '../src/kernels/op/errors.ts';
import { readKerasHdf5 } from '../src/nn/formats/keras-hdf5.ts';
import type { KerasModel } from '../src/nn/formats/keras-model.ts';
import { readSafetensors } from '../src/nn/formats/safetensors.ts';
import type { SeedCaptioner, SeedCaptionerOptions } from './keras-fixtures.ts';
import { decoderConfig, writeSeedCaptioner } from './keras-fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-convert-'));
test.after(() => rmSync(folder, { recursive: true }));

interface Sources {
  readonly written: SeedCaptioner;
  readonly encoder: KerasModel;
  readonly decoder: KerasModel;
  readonly tokenizer: Uint8Array;
}

async function sources(options: SeedCaptionerOptions): Promise<Sources> {
  const written = await writeSeedCaptioner(folder, options);
  return {
    written,
    encoder: readKerasHdf5(readFileSync(written.encoder), 'Encoder.hdf5'),
    decoder: readKerasHdf5(readFileSync(written.decoder), 'Decoder.hdf5'),
    tokenizer: readFileSync(written.tokenizer),
  };
}

/** The first version with everything but InceptionV3 small, written once. */
let smallSources: Promise<Sources> | undefined;
function small(): Promise<Sources> {
  smallSources ??= sources({ version: 1 });
  return smallSources;
}

const refused = (action: () => unknown, message: RegExp) =>
  assert.throws(action, (error: unknown) => error instanceof FormatError && message.test(error.message));

/** Every weight of the folder is one that was written, under its name, and every one that was written is there. */
function convertedWholly(given: Sources) {
  const { config, files, notes } = convertCaptioner(given);
  const bytes = (name: string) => Buffer.concat(files.get(name) ?? []);
  const read = ['encoder.safetensors', 'decoder.safetensors'].map(
    (name) => readSafetensors(bytes(name), name).weights,
  );
  const all = new Map([...read[0], ...read[1]]);
  assert.is(all.size, given.written.weights.size);
  for (const [name, { shape, data }] of given.written.weights) {
    const weight = all.get(name);
    assert.equal(weight?.shape, shape, name);
    assert.ok(
      weight && Buffer.compare(bytesOf(weight.data), bytesOf(data)) === 0,
      `${name} has other values`,
    );
  }
  assert.is(read[0].size, 4 * 94);
  assert.equal([...files.keys()].at(-1), 'config.json');
  assert.equal(parseCaptionerConfig(bytes('config.json').toString(), 'config.json'), config);
  const tokenizer = Tokenizer.fromJSON(JSON.parse(bytes('tokenizer.json').toString()));
  assert.is(tokenizer.size, config.decoder.vocabulary);
  assert.is(tokenizer.word(config.decoder.vocabulary - 1), given.written.words.at(-1));
  return { config, notes };
}

const bytesOf = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

test('version 1 at its full size, with counters far from 1', async () => {
  const given = await sources({
    version: 1,
    firstCounter: 95,
    trainable: true,
    projection: 256,
    embedding: 256,
    units: 768,
    vocabulary: 10001,
  });
  const { config, notes } = convertedWholly(given);
  assert.equal(config, {
    format: 'ekphrasis-captioner',
    version: 1,
    encoder: {
      architecture: 'inception_v3',
      weights: 'encoder.safetensors',
      imageSide: 299,
      reduceTo: null,
      outputs: ['mixed10'],
      pooling: 'grid',
      transform: [],
      projection: { units: 256, activation: 'relu' },
      flatten: true,
    },
    decoder: {
      weights: 'decoder.safetensors',
      attention: null,
      initialState: 'zeros',
      embedding: 256,
      units: 768,
      vocabulary: 10001,
      activation: 'tanh',
      recurrentActivation: 'sigmoid',
      maximumLength: 16,
    },
    tokenizer: 'tokenizer.json',
  });
  assert.equal(notes, []);
});

test('version 2 with attention at its full size, a Lambda untouched', async () => {
  const given = await sources({
    version: 2,
    firstCounter: 0,
    projection: 512,
    embedding: 256,
    units: 512,
    attention: 512,
    vocabulary: 10001,
  });
  const { config } = convertedWholly(given);
  assert.is(config.encoder.flatten, false);
  assert.equal(config.decoder.attention, { units: 512 });
});

test('weights alone: the recurrent activation is the default of the Keras that saved them, or as asked', async () => {
  for (const [kerasVersion, expected] of [
    ['2.3.0-tf', 'sigmoid'],
    ['2.2.4-tf', 'sigmoid'],
    ['2.3.1', 'sigmoid'],
    ['2.2.4', 'hard_sigmoid'],
  ] as const) {
    const model = await decoderOf({ version: 1, layout: 'save_weights', kerasVersion });
    const { recurrentActivation, notes } = readCaptionerDecoder(model);
    assert.is(recurrentActivation, expected);
    assert.match(notes.join(), `default of Keras ${kerasVersion}`);
  }
  const model = await decoderOf({ version: 2, layout: 'save_weights' });
  const asked = readCaptionerDecoder(model, 'hard_sigmoid');
  assert.is(asked.recurrentActivation, 'hard_sigmoid');
  assert.equal(asked.notes, []);
});

test('save_weights files convert wholly', async () => {
  convertedWholly(await sources({ version: 1, layout: 'save_weights', firstCounter: 7 }));
});

test('model_config decides the recurrent activation; another activation is refused', () => {
  const base = smallDecoder();
  const configured = (recurrentActivation: string, more = {}) =>
    ({ ...base, modelConfig: decoderConfig({ recurrentActivation, units: 6, ...more }) }) as KerasModel;
  assert.is(readCaptionerDecoder(configured('hard_sigmoid')).recurrentActivation, 'hard_sigmoid');
  assert.is(readCaptionerDecoder(configured('sigmoid'), 'sigmoid').recurrentActivation, 'sigmoid');
  refused(
    () => readCaptionerDecoder(configured('sigmoid'), 'hard_sigmoid'),
    /is sigmoid, but hard_sigmoid was asked/,
  );
  refused(() => readCaptionerDecoder(configured('relu')), /activations tanh and relu/);
  refused(
    () => readCaptionerDecoder(configured('sigmoid', { activation: 'relu' })),
    /activations relu and sigmoid/,
  );
  refused(() => readCaptionerDecoder(configured('sigmoid', { wordFirst: true })), /puts the word before/);
});

test('float16 and uint8 store matrices smaller and leave vectors alone', async () => {
  const given = await small();
  const size = (encoding: 'float16' | 'uint8') => {
    const { files } = convertCaptioner(given, { encoding });
    const parts = files.get('encoder.safetensors') ?? [];
    const { weights } = readSafetensors(Buffer.concat(parts), 'encoder.safetensors');
    assert.is(weights.get('conv2d_1.kernel')?.encoded?.type, encoding);
    assert.is(weights.get('batch_normalization_1.beta')?.encoded, undefined);
    return parts.reduce((sum, part) => sum + part.byteLength, 0);
  };
  assert.ok(size('float16') < 44e6);
  assert.ok(size('uint8') < 22.2e6);
});

test('files that do not belong together are refused', async () => {
  const one = await small();
  const attending = await decoderOf({ version: 2 });
  const { tokenizer } = await writeSeedCaptioner(folder, { version: 1, vocabulary: 21, encoderToo: false });
  const layers = one.encoder.layers.map((layer) =>
    layer.name === 'dense'
      ? { ...layer, weights: [zeros('dense/kernel', 2048, 9), zeros('dense/bias', 9)] }
      : layer,
  );
  const encoder = { ...one.encoder, layers };
  refused(
    () => convertCaptioner({ ...one, tokenizer: readFileSync(tokenizer) }),
    /vocabulary of 20 ids, but the tokenizer has 21/,
  );
  refused(() => convertCaptioner({ ...one, encoder }), /reads 512 numbers of the image.*64 places of 9/);
  refused(
    () => convertCaptioner({ ...one, decoder: attending, encoder }),
    /reads 8 numbers of each place.*64 places of 9/,
  );
  refused(() => convertCaptioner({ ...one, encoder: one.decoder }), /Decoder\.hdf5 has 0 convolutions/);
  refused(() => convertCaptioner({ ...one, decoder: one.encoder }), /Encoder\.hdf5: .*one LSTM layer/);
  refused(
    () => convertCaptioner({ ...one, tokenizer: Uint8Array.of(0x80, 4, 0x4e, 0x2e) }),
    /[Tt]okenizer pickle/,
  );
});

test('an encoder with a layer too many, another activation or another input is refused or obeyed', async () => {
  const { encoder } = await small();
  const [dense] = encoder.layers.filter(({ name }) => name === 'dense');
  const more = {
    ...dense,
    name: 'more',
    weights: dense.weights.map((w) => ({ ...w, name: w.name.replace('dense', 'more') })),
  };
  const changed = (change: Partial<KerasModel>) => () => readCaptionerEncoder({ ...encoder, ...change });
  refused(changed({ layers: [...encoder.layers, more] }), /one dense layer, but here is dense .*; more/);
  refused(changed({ layers: encoder.layers.filter((layer) => layer !== dense) }), /but here is none/);
  const configured = (text: string, replacement: string) =>
    changed({ modelConfig: JSON.parse(JSON.stringify(encoder.modelConfig).replaceAll(text, replacement)) });
  refused(configured('"relu"', '"tanh"'), /activation tanh/);
  refused(configured('299,299', '299,150'), /299 × 150/);
  refused(configured('299,299', '74,74'), /74 × 74/);
  const smaller = configured('299,299', '139,139')();
  assert.is(smaller.imageSide, 139);
  assert.is(smaller.places, 9);
});

test('a decoder with a layer missing, in excess or of another shape is refused, naming it', () => {
  const base = smallDecoder();
  const dense = (name: string, inputs: number, outputs: number) => ({
    name,
    weights: [zeros(`${name}/kernel`, inputs, outputs), zeros(`${name}/bias`, outputs)],
  });
  const without = (name: string) => () =>
    readCaptionerDecoder({ ...base, layers: base.layers.filter((layer) => layer.name !== name) });
  const including = (layer: KerasModel['layers'][number]) => () =>
    readCaptionerDecoder({
      ...base,
      layers: [...base.layers.filter(({ name }) => name !== layer.name), layer],
    });
  refused(without('lstm'), /one LSTM layer, but none/);
  refused(without('embedding'), /one embedding layer, but none/);
  refused(without('output_layer'), /one output layer, but none/);
  refused(including(dense('another', 6, 20)), /one output layer, but here are .*another/);
  refused(including(dense('W1', 8, 7)), /only some of them/);
  refused(including(dense('output_layer', 6, 21)), /output_layer\/kernel has the shape \[6, 21\].*\[6, 20\]/);
  refused(including({ name: 'output_layer', weights: [zeros('output_layer/kernel', 6, 20)] }), /has no bias/);
  const gated = (gates: number, inputs = 13) => ({
    name: 'lstm',
    weights: [
      zeros('lstm/kernel', inputs, gates * 6),
      zeros('lstm/recurrent_kernel', 6, gates * 6),
      zeros('lstm/bias', gates * 6),
    ],
  });
  refused(including(gated(3)), /no LSTM/);
  refused(including(gated(4, 5)), /too few/);
  refused(including({ ...gated(4), weights: gated(4).weights.slice(0, 2) }), /has no bias/);
});

function zeros(name: string, ...shape: number[]) {
  return { name, shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)) };
}

/** A version 1 decoder of the fixture's default sizes, without `model_config`, of an encoding of 8. */
function smallDecoder(): KerasModel {
  return {
    file: 'Decoder.hdf5',
    layers: [
      { name: 'embedding', weights: [zeros('embedding/embeddings', 20, 5)] },
      {
        name: 'lstm',
        weights: [
          zeros('lstm/kernel', 13, 24),
          zeros('lstm/recurrent_kernel', 6, 24),
          zeros('lstm/bias', 24),
        ],
      },
      {
        name: 'output_layer',
        weights: [zeros('output_layer/kernel', 6, 20), zeros('output_layer/bias', 20)],
      },
    ],
  };
}

async function decoderOf(options: SeedCaptionerOptions): Promise<KerasModel> {
  const { decoder } = await writeSeedCaptioner(folder, { ...options, encoderToo: false });
  return readKerasHdf5(readFileSync(decoder), 'Decoder.hdf5');
}

test.run();
