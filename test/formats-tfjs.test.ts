import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../src/kernels/op/errors.ts';
import { readTfjsLayers } from '../src/nn/formats/tfjs-layers.ts';

const bytesOf = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

/** Two groups, five ways to store, the first group cut into shards in the middle of a number. */
function fixture() {
  const first = Buffer.concat([
    bytesOf(Float32Array.of(1.5, -2, 0.1)),
    bytesOf(Uint8Array.of(0, 128, 255)),
    bytesOf(Uint16Array.of(65535, 1)),
  ]);
  const shards = new Map<string, Uint8Array>([
    ['group1-shard1of2', first.subarray(0, 5)],
    ['group1-shard2of2', first.subarray(5)],
    [
      'sub/group2',
      Buffer.concat([bytesOf(Uint16Array.of(0x3c00, 0xc000)), bytesOf(Int32Array.of(-5)), Buffer.of(3)]),
    ],
  ]);
  const model = {
    format: 'layers-model',
    modelTopology: {
      keras_version: '2.2.4',
      backend: 'tensorflow',
      model_config: { class_name: 'Sequential', config: { name: 's', layers: [] } },
    },
    weightsManifest: [
      {
        paths: ['group1-shard1of2', 'group1-shard2of2'],
        weights: [
          { name: 'dense/kernel', shape: [3, 1], dtype: 'float32' },
          {
            name: 'dense/bias',
            shape: [3],
            dtype: 'float32',
            quantization: { dtype: 'uint8', scale: 0.25, min: -4 },
          },
          {
            name: 'lstm/lstm_cell/bias',
            shape: [2],
            dtype: 'float32',
            quantization: { dtype: 'uint16', scale: 1 / 7, min: 3 },
          },
        ],
      },
      {
        paths: ['sub/group2'],
        weights: [
          { name: 'half/kernel', shape: [2], dtype: 'float32', quantization: { dtype: 'float16' } },
          { name: 'count', shape: [], dtype: 'int32' },
          {
            name: 'dense/steps',
            shape: [1],
            dtype: 'int32',
            quantization: { dtype: 'uint8', scale: 1.5, min: 2 },
          },
        ],
      },
    ],
  };
  const load = async (path: string) => {
    const bytes = shards.get(path);
    if (!bytes) throw new FormatError(`${path} does not exist`);
    return bytes;
  };
  return { model, shards, load };
}

async function refused(model: unknown, message: RegExp, load = fixture().load): Promise<void> {
  let thrown: unknown;
  await readTfjsLayers(model, load, 'model.json').catch((error: unknown) => {
    thrown = error;
  });
  assert.instance(thrown, FormatError);
  assert.match(String(thrown), message);
}

test('every way to store is read, and quantised weights stay quantised', async () => {
  const { model, load } = fixture();
  const read = await readTfjsLayers(model, load, 'model.json');
  assert.equal(
    read.layers.map(({ name, weights }) => [name, weights.map((weight) => [weight.name, weight.shape])]),
    [
      [
        'dense',
        [
          ['dense/kernel', [3, 1]],
          ['dense/bias', [3]],
          ['dense/steps', [1]],
        ],
      ],
      ['lstm/lstm_cell', [['lstm/lstm_cell/bias', [2]]]],
      ['half', [['half/kernel', [2]]]],
      ['count', [['count', []]]],
    ],
  );
  const [dense, lstm, half, count] = read.layers.map(({ weights }) => weights);
  assert.equal(dense[0].data, Float32Array.of(1.5, -2, 0.1));
  assert.equal(dense[1].encoded, {
    type: 'uint8',
    values: Uint8Array.of(0, 128, 255),
    scale: 0.25,
    minimum: -4,
  });
  assert.equal(dense[1].data, Float32Array.of(-4, 28, 59.75));
  assert.equal(dense[2].data, Int32Array.of(7));
  assert.equal(lstm[0].data, Float32Array.of(65535 / 7 + 3, 1 / 7 + 3));
  assert.is(lstm[0].encoded?.type, 'uint16');
  assert.equal(half[0].data, Float32Array.of(1, -2));
  assert.is(half[0].encoded?.type, 'float16');
  assert.equal(count[0].data, Int32Array.of(-5));
  assert.is(read.kerasVersion, '2.2.4');
  assert.equal(read.modelConfig, model.modelTopology.model_config);
});

test('a model_config kept as text is read', async () => {
  const { model, load } = fixture();
  const modelTopology = { model_config: JSON.stringify(model.modelTopology.model_config) };
  const read = await readTfjsLayers({ ...model, modelTopology }, load, 'model.json');
  assert.equal(read.modelConfig, model.modelTopology.model_config);
  await refused({ ...model, modelTopology: { model_config: '{' } }, /model_config is not valid JSON/);
});

test('another kind of model is refused', async () => {
  const { model } = fixture();
  await refused({ ...model, format: 'graph-model' }, /graph-model/);
  await refused({ modelTopology: {} }, /no weightsManifest/);
  await refused([model], /must be a JSON object/);
  await refused(null, /must be a JSON object/);
});

test('shards that do not fit the manifest are refused', async () => {
  const { model, shards } = fixture();
  const cut = async (path: string) => (shards.get(path) ?? Buffer.of()).subarray(0, 4);
  await refused(model, /hold 8 bytes, but the weights need 19: one is cut off/, cut);
  const [group] = model.weightsManifest;
  await refused({ weightsManifest: [{ ...group, paths: group.paths.slice(1) }] }, /hold 14 bytes/);
  await refused({ weightsManifest: [{ ...group, paths: ['gone'] }] }, /gone does not exist/);
});

test('a shard outside the folder of model.json is refused before it is read', async () => {
  const unread = async (path: string) => {
    throw new Error(`the shard ${path} was read`);
  };
  for (const path of ['../secret', '/etc/passwd', 'a/../../b', 'C:\\x', 'https://host/x', '', 7]) {
    const manifest = [{ paths: [path], weights: [] }];
    await refused({ weightsManifest: manifest }, /must lie beside or below|must be a text/, unread);
  }
});

test('a manifest with anything amiss is refused, naming the entry', async () => {
  const good = { name: 'w', shape: [1], dtype: 'float32' };
  const cases: [unknown, RegExp][] = [
    [{ ...good, dtype: 'complex64' }, /weights\[0\] \(w\) has the dtype "complex64"/],
    [{ ...good, dtype: 'string' }, /dtype "string"/],
    [{ ...good, shape: [-1] }, /shape must hold whole numbers/],
    [{ ...good, shape: undefined }, /shape must be a JSON array/],
    [{ ...good, name: '' }, /name must be a text/],
    [{ ...good, quantization: { dtype: 'uint4', scale: 1, min: 0 } }, /quantised to "uint4"/],
    [{ ...good, dtype: 'int32', quantization: { dtype: 'float16' } }, /quantised to "float16"/],
    [{ ...good, quantization: { dtype: 'uint8', min: 0 } }, /scale must be a number/],
    [{ ...good, quantization: { dtype: 'uint8', scale: 1 } }, /min must be a number/],
    ['w', /weights\[0\] must be a JSON object/],
  ];
  for (const [weight, message] of cases) {
    await refused({ weightsManifest: [{ paths: ['sub/group2'], weights: [weight] }] }, message);
  }
  await refused({ weightsManifest: {} }, /weightsManifest must be a JSON array/);
  await refused({ weightsManifest: [{ weights: [] }] }, /paths must be a JSON array/);
});

test.run();
