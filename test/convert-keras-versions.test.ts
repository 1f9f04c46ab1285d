// The same captioner in the layouts of Keras 1, 2 and 3: what is configured is read in each, or refused.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readCaptionerDecoder } from '../src/captioner/convert/captioner-decoder.ts';
import { readCaptionerEncoder } from '../src/captioner/convert/captioner-encoder.ts';
import { checkNetworkLayers } from '../src/captioner/convert/network-layers.ts';
import { FormatError } from '../src/kernels/op/errors.ts';
import { readKerasHdf5 } from '../src/nn/formats/keras-hdf5.ts';
import type { KerasModel } from '../src/nn/formats/keras-model.ts';
import { inDialect, type KerasVersion } from './keras-dialects.ts';
import { decoderConfig, type KerasFile, writeKerasHdf5 } from './keras-fixtures.ts';
import { inceptionConfig, type KerasWeight, kerasInception, uniform } from './keras-inception.ts';

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-keras-'));
test.after(() => rmSync(folder, { recursive: true }));

const refused = (action: () => unknown, message: RegExp) =>
  assert.throws(action, (error: unknown) => {
    assert.instance(error, FormatError, String(error));
    assert.match((error as Error).message, message);
    return true;
  });

async function written(file: KerasFile): Promise<KerasModel> {
  const path = join(folder, 'file.h5');
  await writeKerasHdf5(path, file);
  return readKerasHdf5(readFileSync(path), 'file.h5');
}

/** A layer in the form of Keras 2.2. */
interface Layer {
  class_name: string;
  name: string;
  config: Record<string, unknown>;
  inbound_nodes: [string, number, number, Record<string, unknown>][][];
}
type Config = { class_name: string; config: { name: string; layers: Layer[] } };
const layer = (
  className: string,
  name: string,
  inputs: string[],
  config: object = {},
  call: object = {},
): Layer => ({
  class_name: className,
  name,
  config: { name, ...config },
  inbound_nodes: inputs.length > 0 ? [inputs.map((input) => [input, 0, 0, { ...call }])] : [],
});
const weight = (path: string, ...shape: number[]): KerasWeight => ({
  path,
  shape,
  data: uniform(
    shape.reduce((product, size) => product * size, 1),
    0.5,
    path.length,
  ),
});

const lstmPath = { '1.2.2': 'lstm', '2.2.4': 'lstm', '2.15.0': 'lstm/lstm_cell', '3.4.1': 'lstm/lstm_cell' };

/** The files' weights: Keras 3 writes them without the number of the output, `:0`. */
function decoderLayers(version: KerasVersion): KerasFile['layers'] {
  const end = version === '3.4.1' ? '' : ':0';
  const cell = lstmPath[version];
  return [
    { name: 'input_encoding', weights: [] },
    { name: 'embedding', weights: [weight(`embedding/embeddings${end}`, 20, 5)] },
    {
      name: 'lstm',
      weights: [
        weight(`${cell}/kernel${end}`, 13, 24),
        weight(`${cell}/recurrent_kernel${end}`, 6, 24),
        weight(`${cell}/bias${end}`, 24),
      ],
    },
    {
      name: 'output_layer',
      weights: [weight(`output_layer/kernel${end}`, 6, 20), weight(`output_layer/bias${end}`, 20)],
    },
  ];
}

const plainDecoder = (given: { recurrentActivation?: string; wordFirst?: boolean } = {}) =>
  decoderConfig({ recurrentActivation: 'sigmoid', units: 6, ...given }) as Config;

/** The configuration with the members of one layer changed, or taken away where they are undefined. */
function changed(model: Config, name: string, members: Record<string, unknown>): Config {
  const copy = structuredClone(model);
  const found = copy.config.layers.find((one) => one.name === name);
  assert.ok(found, name);
  Object.assign(found.config, members);
  return JSON.parse(JSON.stringify(copy));
}

/** The configuration with another layer after the named one, which the next layers read in its place. */
function inserted(
  model: Config,
  after: string,
  className: string,
  config: object = {},
  call: object = {},
): Config {
  const copy: Config = structuredClone(model);
  const { layers } = copy.config;
  for (const { inbound_nodes: nodes } of layers)
    for (const node of nodes) for (const input of node) if (input[0] === after) input[0] = 'more';
  const place = layers.findIndex(({ name }) => name === after);
  layers.splice(place + 1, 0, layer(className, 'more', [after], config, call));
  return copy;
}

for (const version of ['2.2.4', '2.15.0', '3.4.1'] as const) {
  const base: KerasFile = { layers: decoderLayers(version), kerasVersion: version };
  const withConfig = (model: KerasModel, config: Config): KerasModel => ({
    ...model,
    modelConfig: JSON.parse(JSON.stringify(inDialect(config, version))),
  });

  test(`a decoder of Keras ${version} is read as its configuration says`, async () => {
    const model = await written({ ...base, modelConfig: inDialect(plainDecoder(), version) });
    const { weights, recurrentActivation, notes, encodingWidth } = readCaptionerDecoder(model);
    assert.equal([recurrentActivation, notes, encodingWidth], ['sigmoid', [], 8]);
    const given = base.layers.flatMap((one) => one.weights.map(({ data }) => data));
    assert.equal(
      weights.map(({ data }) => data),
      given,
    );

    const read = (config: Config) => () => readCaptionerDecoder(withConfig(model, config));
    const refuses = (config: Config, message: RegExp) => refused(read(config), message);
    refuses(plainDecoder({ wordFirst: true }), /layer concatenate puts the word before/);
    refuses(changed(plainDecoder(), 'concatenate', { axis: 0 }), /joins along axis 0/);
    refuses(changed(plainDecoder(), 'concatenate', { axis: undefined }), /joins along axis undefined/);
    const hard = plainDecoder({ recurrentActivation: 'hard_sigmoid' });
    if (version === '3.4.1') refuses(hard, /hard_sigmoid, which Keras 3 computes as clip\(x \/ 6/);
    else assert.is(read(hard)().recurrentActivation, 'hard_sigmoid');
    refuses(changed(plainDecoder(), 'lstm', { go_backwards: true }), /go_backwards true/);
    refuses(changed(plainDecoder(), 'lstm', { go_backwards: undefined }), /go_backwards undefined/);
    refuses(changed(plainDecoder(), 'lstm', { activation: undefined }), /activations undefined and sigmoid/);
    refuses(changed(plainDecoder(), 'lstm', { recurrent_activation: undefined }), /tanh and undefined/);
    refuses(
      changed(plainDecoder(), 'output_layer', { activation: 'relu' }),
      /output_layer \(Dense\) has the activation relu/,
    );
    refuses(
      changed(plainDecoder(), 'output_layer', { activation: undefined }),
      /output_layer \(Dense\) has no activation/,
    );
  });

  test(`layers without weights in a decoder of Keras ${version} are obeyed or refused by name`, async () => {
    const model = await written({ ...base, modelConfig: inDialect(plainDecoder(), version) });
    const reading = (after: string, className: string, config: object = {}, call: object = {}) => {
      const read = withConfig(model, inserted(plainDecoder(), after, className, config, call));
      return () => readCaptionerDecoder(read);
    };
    reading('embedding', 'Dropout', { rate: 0.5 })();
    reading('concatenate', 'Reshape', { target_shape: [1, 13] })();
    reading('output_layer', 'Activation', { activation: 'softmax' })();
    refused(
      reading('embedding', 'Dropout', { rate: 0.5 }, { training: true }),
      /more \(Dropout\) goes on after training/,
    );
    refused(
      reading('output_layer', 'Activation', { activation: 'relu' }),
      /more \(Activation\) has the activation relu/,
    );
    for (const className of [
      'Rescaling',
      'Normalization',
      'Lambda',
      'Permute',
      'LeakyReLU',
      'UnitNormalization',
      'Masking',
    ])
      refused(
        reading('concatenate', className),
        new RegExp(`more \\(${className}\\) changes what the model computes`),
      );
    const without = plainDecoder();
    without.config.layers = without.config.layers.filter(
      ({ class_name: className }) => className !== 'Concatenate',
    );
    refused(() => readCaptionerDecoder(withConfig(model, without)), /has 0 Concatenate layers/);
  });

  const end = version === '3.4.1' ? '' : ':0';
  const dense = [weight(`dense/kernel${end}`, 2048, 4), weight(`dense/bias${end}`, 4)];
  const encoderConfig = (side: number | null = 299): Config => {
    const shape = [null, side, side, 3];
    const network = inceptionConfig('inception_v3', side ?? 299, { firstCounter: 0 }) as unknown as Layer;
    network.config.layers = [
      ...(network.config.layers as Layer[]),
      layer('Activation', 'activation', ['batch_normalization_93'], { activation: 'relu' }),
      layer('Concatenate', 'mixed10', ['activation'], { axis: 3 }),
    ];
    if (side === null)
      Object.assign((network.config.layers as Layer[])[0].config, { batch_input_shape: shape });
    const layers = [
      layer('InputLayer', 'input_1', [], { batch_input_shape: shape, dtype: 'float32', sparse: false }),
      network,
      layer('Dense', 'dense', ['inception_v3'], { units: 4, activation: 'relu', use_bias: true }),
      layer('Flatten', 'flatten', ['dense'], { data_format: 'channels_last' }),
    ];
    return { class_name: 'Model', config: { name: 'Encoder', layers } };
  };
  const encoder = (config: Config): KerasModel =>
    withConfig(
      {
        file: 'file.h5',
        kerasVersion: version,
        layers: [
          { name: 'inception_v3', weights: named(kerasInception({ firstCounter: 0 })) },
          { name: 'dense', weights: named(dense) },
        ],
      },
      config,
    );

  test(`an encoder of Keras ${version} is read as its configuration says`, () => {
    const read = (config: Config) => () => readCaptionerEncoder(encoder(config));
    const { imageSide, places, notes } = read(encoderConfig())();
    assert.equal([imageSide, places, notes], [299, 64, []]);
    assert.equal(read(encoderConfig(139))().imageSide, 139);
    const open = read(encoderConfig(null))();
    assert.is(open.imageSide, 299);
    assert.match(open.notes.join(), /no size of its input, which is assumed to be 299/);
    const input = (shape: unknown) => changed(encoderConfig(), 'input_1', { batch_input_shape: shape });
    refused(read(input([null, 299, 150, 3])), /299 × 150/);
    refused(read(input([null, 299, 299, 1])), /299 × 299 × 1/);
    refused(read(input([null, 3, 299, 299])), /3 × 299/);
    refused(read(input(undefined)), /InputLayer has the batch_input_shape undefined/);
    refused(
      read(changed(encoderConfig(), 'dense', { activation: 'tanh' })),
      /dense \(Dense\) has the activation tanh/,
    );
    refused(
      read(changed(encoderConfig(), 'dense', { activation: undefined })),
      /dense \(Dense\) has no activation/,
    );
  });

  test(`layers without weights in an encoder of Keras ${version} are obeyed or refused by name`, () => {
    const reading = (after: string, className: string, config: object = {}) => {
      const model = encoder(inserted(encoderConfig(), after, className, config));
      return () => readCaptionerEncoder(model);
    };
    assert.equal(reading('input_1', 'Rescaling', { scale: 1 / 127.5, offset: -1 })().notes, []);
    refused(
      reading('input_1', 'Rescaling', { scale: 1 / 255, offset: 0 }),
      /Rescaling\) has the scale 0\.0039.* and the offset 0/,
    );
    refused(reading('input_1', 'Rescaling', { factor: 1 }), /the scale undefined and the offset undefined/);
    for (const className of ['Normalization', 'Permute', 'Resizing', 'ZeroPadding2D'])
      refused(reading('input_1', className), new RegExp(`more \\(${className}\\)`));
    refused(reading('input_1', 'Lambda'), /more \(Lambda\) holds a program/);
    refused(reading('inception_v3', 'GlobalAveragePooling2D'), /more \(GlobalAveragePooling2D\)/);
    refused(reading('dense', 'Permute', { dims: [2, 1, 3] }), /more \(Permute\)/);
    refused(
      reading('dense', 'Activation', { activation: 'tanh' }),
      /more \(Activation\) has the activation tanh/,
    );
    reading('dense', 'Reshape', { target_shape: [64, 4] })();
    reading('dense', 'Dropout', { rate: 0.2 })();
    refused(
      reading('dense', 'Reshape', { target_shape: [4, 64] }),
      /more \(Reshape\) makes the shape \[4,64\]/,
    );

    const inside = (name: string, members: Record<string, unknown>) => {
      const config = encoderConfig();
      const network = config.config.layers[1];
      const changedNetwork = changed(network as unknown as Config, name, members) as unknown as Layer;
      config.config.layers[1] = changedNetwork;
      const model = encoder(config);
      return () => readCaptionerEncoder(model);
    };
    refused(inside('conv2d_7', { activation: 'relu' }), /conv2d_7 \(Conv2D\) has the activation relu/);
    refused(inside('conv2d_7', { data_format: 'channels_first' }), /conv2d_7 .*channels_first/);
    refused(inside('batch_normalization_7', { epsilon: 1e-5 }), /batch_normalization_7 .* epsilon 0\.00001/);
    refused(inside('batch_normalization_7', { epsilon: undefined }), /has no epsilon/);
    refused(
      inside('activation', { activation: 'relu6' }),
      /activation \(Activation\) has the activation relu6/,
    );
    assert.equal(checkNetworkLayers(encoder(encoderConfig()), { headless: false }).notes, []);
  });
}

/** Weights as the reader gives them. */
function named(weights: readonly KerasWeight[]) {
  return weights.map(({ path, shape, data }) => ({ name: path.replace(/:0$/, ''), shape, data }));
}

test('files of Keras 1.2 are refused by their version, and by the names of their weights', async () => {
  const gates = ['i', 'c', 'f', 'o'];
  const layers = [
    { name: 'embedding_1', weights: [weight('embedding_1_W:0', 20, 5)] },
    {
      name: 'lstm_1',
      weights: gates.flatMap((gate) => [
        weight(`lstm_1_W_${gate}:0`, 13, 6),
        weight(`lstm_1_U_${gate}:0`, 6, 6),
        weight(`lstm_1_b_${gate}:0`, 6),
      ]),
    },
    { name: 'dense_1', weights: [weight('dense_1_W:0', 6, 20), weight('dense_1_b:0', 20)] },
  ];
  const modelConfig = inDialect(plainDecoder(), '1.2.2');
  for (const layout of ['save', 'save_weights'] as const) {
    try {
      await written({ layers, modelConfig, layout, kerasVersion: '1.2.2' });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, FormatError);
      assert.match(
        (error as Error).message,
        /^file\.h5 was saved by Keras 1\.2\.2 \(a weight is named embedding_1_W\), and only/,
      );
    }
  }
});

test('settings under the names of Keras 1 do not pass for those of Keras 2', async () => {
  const model = await written({ layers: decoderLayers('2.2.4'), kerasVersion: '2.2.4' });
  const modelConfig = JSON.parse(JSON.stringify(inDialect(plainDecoder(), '1.2.2')));
  refused(() => readCaptionerDecoder({ ...model, modelConfig }), /0 Concatenate layers|Merge/);
});

test.run();
