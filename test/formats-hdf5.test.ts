import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../src/kernels/op/errors.ts';
import { readKerasHdf5 } from '../src/nn/formats/keras-hdf5.ts';
import { layerConfigs } from '../src/nn/formats/keras-model.ts';
import type { KerasFile } from './keras-fixtures.ts';
import { writeKerasHdf5 } from './keras-fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-hdf5-'));
test.after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'file.h5');

async function written(file: KerasFile): Promise<Uint8Array> {
  await writeKerasHdf5(path, file);
  return new Uint8Array(readFileSync(path));
}

function refused(bytes: Uint8Array, message: RegExp): void {
  assert.throws(
    () => readKerasHdf5(bytes, 'given.h5'),
    (error: unknown) => {
      assert.instance(error, FormatError);
      assert.match((error as Error).message, message);
      assert.match((error as Error).message, /given\.h5/);
      return true;
    },
  );
}

const kernel = Float32Array.of(1.5, -2, 3, 4, 5, 0.1);
const bias = Float32Array.of(7, 8, 9);
const small: KerasFile = {
  layers: [
    { name: 'input_1', weights: [] },
    {
      name: 'nested',
      weights: [
        { path: 'conv2d_7/kernel:0', shape: [1, 1, 2, 3], data: kernel },
        { path: 'a/longer/path/bias:0', shape: [3], data: bias },
      ],
    },
    { name: 'dense', weights: [{ path: 'dense/kernel:0', shape: [3, 2], data: kernel }] },
  ],
  modelConfig: { class_name: 'Model', config: { name: 'm', layers: [] } },
};

test('both layouts give layers, nested weights in order, shapes and values', async () => {
  for (const layout of ['save', 'save_weights'] as const) {
    const model = readKerasHdf5(await written({ ...small, layout }), 'given.h5');
    assert.equal(
      model.layers.map(({ name, weights }) => [name, weights.map((weight) => [weight.name, weight.shape])]),
      [
        ['input_1', []],
        [
          'nested',
          [
            ['conv2d_7/kernel', [1, 1, 2, 3]],
            ['a/longer/path/bias', [3]],
          ],
        ],
        ['dense', [['dense/kernel', [3, 2]]]],
      ],
    );
    assert.equal(model.layers[1].weights[0].data, kernel);
    assert.equal(model.layers[1].weights[1].data, bias);
    assert.is(model.kerasVersion, '2.3.0-tf');
    assert.equal(model.modelConfig, layout === 'save' ? small.modelConfig : undefined);
  }
});

test('bytes that begin in the middle of a buffer are read too', async () => {
  const bytes = await written(small);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const model = readKerasHdf5(shifted.subarray(3), 'given.h5');
  assert.equal(model.layers[2].weights[0].data, kernel);
});

test('name lists that Keras split for their length are joined', async () => {
  const model = readKerasHdf5(await written({ ...small, namesPerAttribute: 1 }), 'given.h5');
  assert.equal(
    model.layers.map(({ name }) => name),
    ['input_1', 'nested', 'dense'],
  );
  assert.is(model.layers[1].weights.length, 2);
});

test('a model_config of more than 64 KiB is read, with nested layers, wrappers and cells', async () => {
  const inner = { class_name: 'LSTMCell', config: { name: 'cell', note: 'x'.repeat(100_000) } };
  const modelConfig = {
    class_name: 'Model',
    config: {
      name: 'outer',
      layers: [
        { class_name: 'Sequential', config: [{ class_name: 'Dense', config: { name: 'dense' } }] },
        { class_name: 'RNN', config: { name: 'rnn', cell: inner } },
        {
          class_name: 'TimeDistributed',
          config: { name: 'each', layer: { class_name: 'Flatten', config: {} } },
        },
      ],
    },
  };
  const model = readKerasHdf5(await written({ ...small, modelConfig }), 'given.h5');
  assert.equal(
    layerConfigs(model.modelConfig).map(({ className, name }) => [className, name]),
    [
      ['Model', 'outer'],
      ['Sequential', ''],
      ['Dense', 'dense'],
      ['RNN', 'rnn'],
      ['LSTMCell', 'cell'],
      ['TimeDistributed', 'each'],
      ['Flatten', ''],
    ],
  );
});

test('compressed data sets are read', async () => {
  const model = readKerasHdf5(await written({ ...small, compressed: true }), 'given.h5');
  assert.equal(model.layers[1].weights[0].data, kernel);
});

test('float64, float16 and int32 are read; float16 stays as it is', async () => {
  await h5wasm.ready;
  const file = new h5wasm.File(path, 'w');
  file.create_attribute('layer_names', ['l']);
  const group = file.create_group('l');
  group.create_attribute('weight_names', ['double', 'half', 'whole']);
  group.create_dataset({ name: 'double', data: Float64Array.of(0.1, 2), shape: [2] });
  group.create_dataset({ name: 'half', data: Uint16Array.of(0x3e00, 0xc000), shape: [2], dtype: '<H' });
  group.create_dataset({ name: 'whole', data: Int32Array.of(-3, 4), shape: [2] });
  file.close();
  const bytes = readFileSync(path);
  // h5wasm on Node 20 cannot write float16: make the class of the two-byte type floating point (HDF5 format, IV.A.2.d).
  bytes[bytes.indexOf(Uint8Array.of(0x10, 0, 0, 0, 2, 0, 0, 0))] = 0x11;
  const [double, half, whole] = readKerasHdf5(bytes, 'given.h5').layers[0].weights;
  assert.equal(double.data, Float32Array.of(0.1, 2));
  assert.equal(half.data, Float32Array.of(1.5, -2));
  assert.is(half.encoded?.type, 'float16');
  assert.equal(whole.data, Int32Array.of(-3, 4));
});

test('what is no HDF5, or not from Keras 2, is refused', async () => {
  refused(new Uint8Array(0), /not an HDF5 file/);
  refused(new TextEncoder().encode('{"format": "layers-model"}'), /not an HDF5 file/);
  await h5wasm.ready;
  const withRoot = (build: (file: InstanceType<typeof h5wasm.File>) => void) => {
    const file = new h5wasm.File(path, 'w');
    build(file);
    file.close();
    return readFileSync(path);
  };
  refused(
    withRoot((file) => file.create_group('images')),
    /no Keras weight file.*images/,
  );
  refused(
    withRoot((file) => file.create_group('layers')),
    /Keras 3/,
  );
  refused(
    withRoot((file) => file.create_attribute('layer_names', ['gone'])),
    /layer gone has no group/,
  );
  refused(
    withRoot((file) => {
      file.create_attribute('layer_names', ['l']);
      file.create_group('l').create_attribute('weight_names', ['kernel:0']);
    }),
    /weight kernel:0 of layer l has no data set/,
  );
  refused(
    withRoot((file) => {
      file.create_attribute('layer_names', ['l']);
      file.create_group('l');
    }),
    /layer l has no attribute weight_names/,
  );
  refused(
    withRoot((file) => {
      file.create_attribute('layer_names', ['l']);
      const group = file.create_group('l');
      group.create_attribute('weight_names', ['k']);
      group.create_dataset({ name: 'k', data: ['text'], shape: [1], dtype: 'S4' });
    }),
    /weight k .*type S4/,
  );
});

test('model_config that is no JSON is refused', async () => {
  const bytes = await written(small);
  const text = Buffer.from(bytes);
  const at = text.indexOf('{"class_name"');
  text[at] = 0x5b;
  refused(text, /model_config is not valid JSON/);
});

test('a file cut off anywhere, or with a byte changed, gives its weights or a FormatError', async () => {
  const bytes = await written(small);
  refused(bytes.subarray(0, 600), /given\.h5/);
  for (let length = 8; length < bytes.length; length += 97) survive(bytes.slice(0, length));
  let state = 12345;
  for (let round = 0; round < 1500; round++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const damaged = bytes.slice();
    damaged[8 + (state % (bytes.length - 8))] ^= 1 << (state >>> 29);
    survive(damaged);
  }
});

test('a data set past the end of the file is refused, naming both', async () => {
  const many = new Float32Array(5000);
  const layers = [{ name: 'l', weights: [{ path: 'l/kernel:0', shape: [5000], data: many }] }];
  const bytes = await written({ layers });
  refused(bytes.subarray(0, bytes.length - 4), /l\/kernel \[5000\] should lie at bytes .* it was cut off/);
});

// jsfive warns of attributes that damage made unreadable.
const warn = console.warn;
test.before(() => {
  console.warn = () => undefined;
});
test.after(() => {
  console.warn = warn;
});

function survive(bytes: Uint8Array): void {
  try {
    readKerasHdf5(bytes, 'given.h5');
  } catch (error) {
    assert.instance(error, FormatError);
  }
}

test.run();
