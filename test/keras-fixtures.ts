import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import h5wasm, { type Group } from 'h5wasm/node';
import type { InceptionNaming, KerasWeight, NamedArray } from './keras-inception.ts';
import { inceptionConfig, kerasInception, randomInception, uniform } from './keras-inception.ts';
import { pickleTokenizer } from './pickled-tokenizer.ts';

export type KerasLayout = 'save' | 'save_weights';

export interface KerasFile {
  readonly layers: readonly { readonly name: string; readonly weights: readonly KerasWeight[] }[];
  /** Written by `save` only, as Keras does. */
  readonly modelConfig?: object;
  readonly kerasVersion?: string;
  readonly layout?: KerasLayout;
  /** From how many names on an attribute is split into `name0`, `name1`, …; Keras does it past 64 KiB. */
  readonly namesPerAttribute?: number;
  /** Compresses the data sets (gzip), which Keras never does but `h5repack` may. */
  readonly compressed?: boolean;
}

/** Writes an HDF5 file as Keras 2.3 does: fixed-length name lists padded with NULs, texts of varying length. */
export async function writeKerasHdf5(path: string, file: KerasFile): Promise<void> {
  await h5wasm.ready;
  const {
    layers,
    modelConfig,
    kerasVersion = '2.3.0-tf',
    layout = 'save',
    namesPerAttribute,
    compressed,
  } = file;
  const hdf5 = new h5wasm.File(path, 'w');
  try {
    hdf5.create_attribute('keras_version', kerasVersion);
    hdf5.create_attribute('backend', 'tensorflow');
    if (layout === 'save' && modelConfig) hdf5.create_attribute('model_config', JSON.stringify(modelConfig));
    const root = layout === 'save' ? hdf5.create_group('model_weights') : hdf5;
    const names = layers.map(({ name }) => name);
    nameList(root, 'layer_names', names, namesPerAttribute);
    for (const { name, weights } of layers) {
      const group = root.create_group(name);
      const paths = weights.map(({ path: inner }) => inner);
      nameList(group, 'weight_names', paths, namesPerAttribute);
      for (const { path: inner, shape, data } of weights) {
        const folder = inner.slice(0, Math.max(0, inner.lastIndexOf('/')));
        if (folder !== '') makeGroups(group, folder);
        group.create_dataset({
          name: inner,
          data,
          shape: [...shape],
          dtype: '<f',
          ...(compressed && { chunks: shape.map((size) => Math.ceil(size / 2)), compression: 'gzip' }),
        });
      }
    }
  } finally {
    hdf5.close();
  }
}

function nameList(
  group: Group,
  attribute: string,
  names: readonly string[],
  perAttribute = Number.POSITIVE_INFINITY,
) {
  if (names.length === 0) {
    // numpy makes an empty list an array of float64.
    group.create_attribute(attribute, new Float64Array(0), [0], '<d');
    return;
  }
  const width = Math.max(...names.map((name) => new TextEncoder().encode(name).length)) + 1;
  if (names.length <= perAttribute) {
    group.create_attribute(attribute, [...names], null, `S${width}`);
    return;
  }
  for (let part = 0; part * perAttribute < names.length; part++) {
    const some = names.slice(part * perAttribute, (part + 1) * perAttribute);
    group.create_attribute(`${attribute}${part}`, some, null, `S${width}`);
  }
}

function makeGroups(group: Group, path: string): void {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const name = parts.slice(0, depth).join('/');
    if (group.get(name) === null) group.create_group(name);
  }
}

export interface SeedCaptionerOptions extends InceptionNaming {
  /** 1: the grid flattened, no attention. 2: attention over the grid. */
  readonly version: 1 | 2;
  readonly layout?: KerasLayout;
  readonly kerasVersion?: string;
  /** What model_config says; default sigmoid. */
  readonly recurrentActivation?: string;
  readonly projection?: number;
  readonly embedding?: number;
  readonly units?: number;
  /** Width of attention, version 2 only. */
  readonly attention?: number;
  /** Word ids, padding included: the tokenizer has `vocabulary - 1` words. */
  readonly vocabulary?: number;
  /** False leaves out Encoder.hdf5, whose 87 MB take most of the time. */
  readonly encoderToo?: boolean;
}

export interface SeedCaptioner {
  readonly encoder: string;
  readonly decoder: string;
  readonly tokenizer: string;
  /** The words of the ids from 1. */
  readonly words: readonly string[];
  /** Every weight written, of InceptionV3 and of decoder.safetensors, by our names. */
  readonly weights: ReadonlyMap<string, NamedArray>;
}

const places = 64;

/**
 * Writes `Encoder.hdf5`, `Decoder.hdf5` and `tokenizer.pickle` into a folder that exists, in the original's layout,
 * with random weights; InceptionV3 has its full size (87 MB), all else is small unless asked. The original's sizes:
 * version 1 projection 256, units 768, vocabulary 10001; version 2 projection, units, attention 512; both embedding 256.
 */
export async function writeSeedCaptioner(
  folder: string,
  options: SeedCaptionerOptions,
): Promise<SeedCaptioner> {
  const { version, layout, kerasVersion, recurrentActivation = 'sigmoid', vocabulary = 20 } = options;
  const { projection = 8, embedding = 5, units = 6, attention = 7 } = options;
  const encoding = version === 1 ? places * projection : projection;
  const weights = new Map<string, NamedArray>(randomInception());
  const add = (name: string, ...shape: number[]): NamedArray => {
    const count = shape.reduce((product, size) => product * size, 1);
    // Biases well away from zero, and matrices as Glorot and Bengio 2010 start them, so that every weight matters.
    const limit = shape.length > 1 ? Math.sqrt(6 / (shape[0] + shape[1])) : 0.5;
    const array = { shape, data: uniform(count, limit, 1000 + weights.size) };
    weights.set(name, array);
    return array;
  };
  const dense = (path: string, name: string, inputs: number, outputs: number): KerasWeight[] => [
    { path: `${path}/kernel:0`, ...add(`${name}.kernel`, inputs, outputs) },
    { path: `${path}/bias:0`, ...add(`${name}.bias`, outputs) },
  ];
  const cell = version === 1 ? 'lstm' : 'lstm/lstm_cell';
  const projectionLayer = version === 1 ? 'dense' : 'encoding_layer';
  const encoderLayers = [
    { name: version === 1 ? 'input_1' : 'preprocessing_layer', weights: [] },
    { name: 'inception_v3', weights: kerasInception(options) },
    { name: projectionLayer, weights: dense(projectionLayer, 'projection', 2048, projection) },
    { name: version === 1 ? 'flatten' : 'reshape_layer', weights: [] },
  ];
  const decoderLayers = [
    { name: 'input_word', weights: [] },
    ...(version === 1
      ? []
      : [
          { name: 'W1', weights: dense('W1', 'attention.features', projection, attention) },
          { name: 'W2', weights: dense('W2', 'attention.hidden', units, attention) },
          { name: 'V', weights: dense('V', 'attention.score', attention, 1) },
        ]),
    {
      name: 'embedding',
      weights: [{ path: 'embedding/embeddings:0', ...add('embedding.embeddings', vocabulary, embedding) }],
    },
    { name: 'concatenate', weights: [] },
    {
      name: 'lstm',
      weights: [
        { path: `${cell}/kernel:0`, ...add('lstm.kernel', encoding + embedding, 4 * units) },
        { path: `${cell}/recurrent_kernel:0`, ...add('lstm.recurrentKernel', units, 4 * units) },
        { path: `${cell}/bias:0`, ...add('lstm.bias', 4 * units) },
      ],
    },
    { name: 'output_layer', weights: dense('output_layer', 'output', units, vocabulary) },
  ];
  const words = ['<unk>', '<sos>', '<eos>'];
  while (words.length < vocabulary - 1) words.push(`word${words.length + 1}`);
  const paths = {
    encoder: join(folder, 'Encoder.hdf5'),
    decoder: join(folder, 'Decoder.hdf5'),
    tokenizer: join(folder, 'tokenizer.pickle'),
  };
  const modelConfig = encoderConfig(version, projectionLayer, projection, options);
  if (options.encoderToo !== false)
    await writeKerasHdf5(paths.encoder, { layers: encoderLayers, modelConfig, layout, kerasVersion });
  const decoding = decoderConfig({ recurrentActivation, units });
  await writeKerasHdf5(paths.decoder, { layers: decoderLayers, modelConfig: decoding, layout, kerasVersion });
  await writeFile(paths.tokenizer, pickleTokenizer({ words, numWords: vocabulary - 1 }));
  return { ...paths, words, weights };
}

function encoderConfig(version: 1 | 2, dense: string, units: number, naming: InceptionNaming): object {
  const projection = { class_name: 'Dense', name: dense, config: { name: dense, units, activation: 'relu' } };
  const inception = inceptionConfig('inception_v3', 299, naming);
  if (version === 1) {
    const input = {
      class_name: 'InputLayer',
      name: 'input_1',
      config: { batch_input_shape: [null, 299, 299, 3], name: 'input_1' },
      inbound_nodes: [],
    };
    return { class_name: 'Model', config: { name: 'Encoder', layers: [input, inception, projection] } };
  }
  const lambda = {
    class_name: 'Lambda',
    config: {
      name: 'preprocessing_layer',
      // Bytecode as Keras keeps it; here it is not even valid.
      function: ['4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMMAAAA', null, null],
      function_type: 'lambda',
    },
  };
  return { class_name: 'Sequential', config: { name: 'Encoder', layers: [lambda, inception, projection] } };
}

/** The graph around the LSTM. `wordFirst` concatenates in the order that the original does not have. */
export function decoderConfig(given: {
  recurrentActivation: string;
  units: number;
  activation?: string;
  wordFirst?: boolean;
}): object {
  const { recurrentActivation, units, activation = 'tanh', wordFirst = false } = given;
  const layer = (className: string, name: string, inputs: string[], config: object = {}) => ({
    class_name: className,
    name,
    config: { name, ...config },
    inbound_nodes: inputs.length ? [inputs.map((input) => [input, 0, 0, {}])] : [],
  });
  const joined = ['input_encoding', 'dropout'];
  const lstm = {
    units,
    activation,
    recurrent_activation: recurrentActivation,
    use_bias: true,
    go_backwards: false,
  };
  const layers = [
    layer('InputLayer', 'input_encoding', []),
    layer('InputLayer', 'input_word', []),
    layer('Embedding', 'embedding', ['input_word'], { mask_zero: true }),
    layer('Dropout', 'dropout', ['embedding'], { rate: 0.15 }),
    layer('Concatenate', 'concatenate', wordFirst ? joined.reverse() : joined, { axis: -1 }),
    layer('LSTM', 'lstm', ['concatenate'], lstm),
    layer('Dense', 'output_layer', ['lstm'], { activation: 'softmax' }),
  ];
  return { class_name: 'Model', config: { name: 'Decoder', layers } };
}
