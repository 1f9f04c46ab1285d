import { FormatError } from '../../kernels/op/errors.ts';
import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { safetensorsParts } from '../../nn/formats/safetensors.ts';
import type { WeightArray, WeightEncoding } from '../../nn/formats/weights.ts';
import type { CaptionerConfig, RecurrentActivation } from '../config.ts';
import { readTokenizerPickle } from '../tokenizer/pickle.ts';
import { readCaptionerDecoder } from './captioner-decoder.ts';
import { readCaptionerEncoder } from './captioner-encoder.ts';

export interface CaptionerSources {
  readonly encoder: KerasModel;
  readonly decoder: KerasModel;
  /** The bytes of `tokenizer.pickle`. */
  readonly tokenizer: Uint8Array;
}

export interface ConversionOptions {
  /** How matrices and kernels are stored; vectors (biases, batch normalisation) always stay float32. */
  readonly encoding?: WeightEncoding;
  /** For a decoder file without `model_config`. */
  readonly recurrentActivation?: RecurrentActivation;
}

export interface ConvertedCaptioner {
  readonly config: CaptionerConfig;
  /** Every file of the folder by name, each as the pieces that make it up. `config.json` is the last. */
  readonly files: ReadonlyMap<string, readonly Uint8Array[]>;
  /** What had to be assumed, for the user. */
  readonly notes: readonly string[];
}

const encoderFile = 'encoder.safetensors';
const decoderFile = 'decoder.safetensors';
const tokenizerFile = 'tokenizer.json';
const configFile = 'config.json';

/** The files of a captioner folder that a conversion makes. */
export const captionerFiles: readonly string[] = [encoderFile, decoderFile, tokenizerFile, configFile];

/** The original decodes at most this many words: its longest caption in training (15), and the end mark. */
const maximumLength = 16;

/**
 * Turns the original captioner's files into a captioner folder: its first version (the decoder reads the flattened
 * grid at every step) or its second (attention over the grid), whichever the decoder's weights show.
 * @throws FormatError when a file is not what it should be or the three do not fit together.
 */
export function convertCaptioner(
  sources: CaptionerSources,
  options: ConversionOptions = {},
): ConvertedCaptioner {
  const encoder = readCaptionerEncoder(sources.encoder);
  const decoder = readCaptionerDecoder(sources.decoder, options.recurrentActivation);
  const tokenizer = readTokenizerPickle(sources.tokenizer);
  const { attention, encodingWidth, vocabulary } = decoder;
  const given = attention ? encoder.projectionUnits : encoder.places * encoder.projectionUnits;
  if (given !== encodingWidth) {
    const grid = `${encoder.places} places of ${encoder.projectionUnits}`;
    throw new FormatError(
      `${sources.decoder.file} reads ${encodingWidth} numbers ${attention ? 'of each place' : 'of the image'}, but ${sources.encoder.file} gives ${grid}: encoder and decoder must come from the same training`,
    );
  }
  if (tokenizer.size !== vocabulary) {
    throw new FormatError(
      `${sources.decoder.file} has a vocabulary of ${vocabulary} ids, but the tokenizer has ${tokenizer.size}: they must come from the same training`,
    );
  }
  const config: CaptionerConfig = {
    format: 'ekphrasis-captioner',
    version: 1,
    encoder: {
      architecture: 'inception_v3',
      weights: encoderFile,
      imageSide: encoder.imageSide,
      reduceTo: null,
      outputs: ['mixed10'],
      pooling: 'grid',
      transform: [],
      projection: { units: encoder.projectionUnits, activation: 'relu' },
      flatten: attention === null,
    },
    decoder: {
      weights: decoderFile,
      attention,
      initialState: 'zeros',
      embedding: decoder.embedding,
      units: decoder.units,
      vocabulary,
      activation: 'tanh',
      recurrentActivation: decoder.recurrentActivation,
      maximumLength,
    },
    tokenizer: tokenizerFile,
  };
  const encoding = matricesOnly(options.encoding);
  const files = new Map<string, readonly Uint8Array[]>([
    [config.encoder.weights, safetensorsParts(encoder.inception.values(), { encoding })],
    [config.decoder.weights, safetensorsParts([...encoder.projection, ...decoder.weights], { encoding })],
    [config.tokenizer, [jsonBytes(tokenizer.toJSON())]],
    [configFile, [jsonBytes(config)]],
  ]);
  return { config, files, notes: decoder.notes };
}

/** Vectors are a thousandth of a model and the most sensitive part of it, so they are not quantised. */
export function matricesOnly(encoding: WeightEncoding = 'float32'): (weight: WeightArray) => WeightEncoding {
  return ({ shape }) => (shape.length > 1 ? encoding : 'float32');
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}
