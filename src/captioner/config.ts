import { FormatError } from '../kernels/op/errors.ts';
import type { JsonObject } from '../nn/formats/json-fields.ts';
import { expectArray, expectObject, expectText, parseJsonObject, shown } from '../nn/formats/json-fields.ts';
import { stageChannels } from '../nn/inception-v3/architecture.ts';

/** `config.json` of a captioner folder: what its weights mean and how they are joined. */
export interface CaptionerConfig {
  readonly format: 'ekphrasis-captioner';
  readonly version: 1;
  readonly encoder: EncoderConfig;
  readonly decoder: DecoderConfig;
  /** File name of the tokeniser, relative to the folder. */
  readonly tokenizer: string;
  /**
   * A caption whose mean log probability per word (natural, the end word's included) is below this is marked as unsure.
   * Absent: none is. Choose it on development images, by the `confidence` that evaluate reports.
   */
  readonly unsureBelow?: number;
}

export type FeatureTransform = 'squareRoot' | 'standardise';

export interface EncoderConfig {
  readonly architecture: 'inception_v3';
  /** File name of the encoder's weights, relative to the folder. */
  readonly weights: string;
  /** Side in pixels of the square that the image is resized to. */
  readonly imageSide: number;
  /** Larger images are first averaged down to this side, as the training images were; null (or absent): they are not. */
  readonly reduceTo: number | null;
  /** Stages read (`mixed0` … `mixed10`), concatenated along channels. */
  readonly outputs: readonly string[];
  /** `average`: one vector [channels] for the image. `grid`: [places, channels], of a single output only. */
  readonly pooling: 'average' | 'grid';
  /** Applied to the features in order; `standardise` subtracts `features.mean` and divides by `features.deviation`. */
  readonly transform: readonly FeatureTransform[];
  /** The dense layer over the last axis, after the transforms. */
  readonly projection: { readonly units: number; readonly activation: 'relu' };
  /** True: the projected grid is one vector [places · units]. */
  readonly flatten: boolean;
}

export interface DecoderConfig {
  /** File name of the weights of projection and decoder, relative to the folder. */
  readonly weights: string;
  /** Additive (Bahdanau) attention over the grid's places, or none. */
  readonly attention: AttentionConfig | null;
  /** h and c before the first word: zeros, or tanh of a dense layer over the encoding (the mean place of a grid). */
  readonly initialState: 'zeros' | 'dense';
  /** Width of a word's vector. */
  readonly embedding: number;
  /** Hidden units of the LSTM. Its input is [encoding or attention's context, word], in that order. */
  readonly units: number;
  /** Layers of the LSTM; the second is fed the first one's h. Absent: 1. */
  readonly layers?: 1 | 2;
  /**
   * What enters the output layer: h, or tanh of a dense layer over h, encoding or context, and word, as wide as a word's
   * vector. Absent: h.
   */
  readonly outputFrom?: OutputSource;
  /**
   * Whether the output layer's kernel is the transpose of the word vectors, which are then multiplied by √embedding where
   * they enter; without a deep output h is projected to their width. Absent: false.
   */
  readonly tied?: boolean;
  /** Number of word ids, padding (0) included. */
  readonly vocabulary: number;
  readonly activation: 'tanh';
  readonly recurrentActivation: RecurrentActivation;
  /** Most words of a caption, the end mark included. */
  readonly maximumLength: number;
}

export interface AttentionConfig {
  readonly units: number;
  /** Whether the context is multiplied with a sigmoid gate of h, channel by channel. Absent: false. */
  readonly gate?: boolean;
}

export type OutputSource = 'hidden' | 'hidden+context+word';

/** `hard_sigmoid` is Keras 2's piecewise linear one, clip(0.2 x + 0.5, 0, 1). */
export type RecurrentActivation = 'sigmoid' | 'hard_sigmoid';

/** Reads and checks the text of a `config.json`. @throws FormatError naming the member that is wrong. */
export function parseCaptionerConfig(text: string, file: string): CaptionerConfig {
  const root = parseJsonObject(text, file);
  if (root.format !== 'ekphrasis-captioner') {
    throw new FormatError(
      `${file}: format is ${shown(root.format)}, but a captioner's is "ekphrasis-captioner": this is another kind of folder`,
    );
  }
  if (root.version !== 1) {
    throw new FormatError(
      `${file}: version is ${shown(root.version)}, but this program reads version 1: update it`,
    );
  }
  onlyMembers(root, ['format', 'version', 'encoder', 'decoder', 'tokenizer', 'unsureBelow'], file);
  const encoder = encoderConfig(expectObject(root.encoder, `${file}: encoder`), `${file}: encoder`);
  const decoder = decoderConfig(expectObject(root.decoder, `${file}: decoder`), `${file}: decoder`);
  if (decoder.attention && (encoder.pooling !== 'grid' || encoder.flatten)) {
    throw new FormatError(
      `${file}: attention looks at the places of a grid, so it needs encoder.pooling "grid" and encoder.flatten false`,
    );
  }
  if (!decoder.attention && encoder.pooling === 'grid' && !encoder.flatten) {
    throw new FormatError(
      `${file}: without attention, a grid must become one vector: set encoder.flatten to true`,
    );
  }
  return {
    format: root.format,
    version: root.version,
    encoder,
    decoder,
    tokenizer: fileName(root.tokenizer, `${file}: tokenizer`),
    ...(root.unsureBelow === undefined ? {} : { unsureBelow: threshold(root.unsureBelow, file) }),
  };
}

function threshold(value: unknown, file: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value <= 0) return value;
  throw new FormatError(
    `${file}: unsureBelow is ${shown(value)}, but must be a mean log probability, a number up to 0; leave it out to mark no caption`,
  );
}

function encoderConfig(encoder: JsonObject, where: string): EncoderConfig {
  onlyMembers(
    encoder,
    [
      'architecture',
      'weights',
      'imageSide',
      'reduceTo',
      'outputs',
      'pooling',
      'transform',
      'projection',
      'flatten',
    ],
    where,
  );
  const outputs = expectArray(encoder.outputs, `${where}.outputs`).map((output) => {
    if (typeof output === 'string' && output.startsWith('mixed') && stageChannels.has(output)) return output;
    throw new FormatError(`${where}.outputs holds ${shown(output)}, but block outputs are mixed0 to mixed10`);
  });
  if (outputs.length === 0 || new Set(outputs).size !== outputs.length) {
    throw new FormatError(
      `${where}.outputs is ${shown(outputs)}, but must name one block or more, none twice`,
    );
  }
  const pooling = oneOf(encoder.pooling, ['average', 'grid'], `${where}.pooling`);
  if (pooling === 'grid' && outputs.length > 1) {
    throw new FormatError(
      `${where}: pooling "grid" reads one output, but outputs names ${outputs.length} (grids of different size): use "average"`,
    );
  }
  const flatten = truth(encoder.flatten, `${where}.flatten`);
  if (flatten && pooling === 'average') {
    throw new FormatError(
      `${where}: flatten is for pooling "grid"; an average is one vector already, so set it to false`,
    );
  }
  const transform = expectArray(encoder.transform, `${where}.transform`).map((step) =>
    oneOf(step, ['squareRoot', 'standardise'], `${where}.transform`),
  );
  if (new Set(transform).size !== transform.length) {
    throw new FormatError(`${where}.transform is ${shown(transform)}, but each step may stand in it once`);
  }
  const projection = expectObject(encoder.projection, `${where}.projection`);
  onlyMembers(projection, ['units', 'activation'], `${where}.projection`);
  return {
    architecture: oneOf(encoder.architecture, ['inception_v3'], `${where}.architecture`),
    weights: fileName(encoder.weights, `${where}.weights`),
    // Below 75 pixels InceptionV3's valid convolutions leave nothing.
    imageSide: count(encoder.imageSide, `${where}.imageSide`, 75, 4096),
    reduceTo:
      (encoder.reduceTo ?? null) === null ? null : count(encoder.reduceTo, `${where}.reduceTo`, 75, 4096),
    outputs,
    pooling,
    transform,
    projection: {
      units: count(projection.units, `${where}.projection.units`),
      activation: oneOf(projection.activation, ['relu'], `${where}.projection.activation`),
    },
    flatten,
  };
}

function decoderConfig(decoder: JsonObject, where: string): DecoderConfig {
  onlyMembers(
    decoder,
    [
      'weights',
      'attention',
      'initialState',
      'embedding',
      'units',
      'layers',
      'outputFrom',
      'tied',
      'vocabulary',
      'activation',
      'recurrentActivation',
      'maximumLength',
    ],
    where,
  );
  let attention: DecoderConfig['attention'] = null;
  if (decoder.attention !== null) {
    const given = expectObject(decoder.attention, `${where}.attention (null where there is none)`);
    onlyMembers(given, ['units', 'gate'], `${where}.attention`);
    attention = {
      units: count(given.units, `${where}.attention.units`),
      ...(given.gate !== undefined && { gate: truth(given.gate, `${where}.attention.gate`) }),
    };
  }
  return {
    weights: fileName(decoder.weights, `${where}.weights`),
    attention,
    initialState: oneOf(decoder.initialState, ['zeros', 'dense'], `${where}.initialState`),
    embedding: count(decoder.embedding, `${where}.embedding`),
    units: count(decoder.units, `${where}.units`),
    ...(decoder.layers !== undefined && { layers: layerCount(decoder.layers, `${where}.layers`) }),
    ...(decoder.outputFrom !== undefined && {
      outputFrom: oneOf(decoder.outputFrom, ['hidden', 'hidden+context+word'], `${where}.outputFrom`),
    }),
    ...(decoder.tied !== undefined && { tied: truth(decoder.tied, `${where}.tied`) }),
    vocabulary: count(decoder.vocabulary, `${where}.vocabulary`, 4),
    activation: oneOf(decoder.activation, ['tanh'], `${where}.activation`),
    recurrentActivation: oneOf(
      decoder.recurrentActivation,
      ['sigmoid', 'hard_sigmoid'],
      `${where}.recurrentActivation`,
    ),
    maximumLength: count(decoder.maximumLength, `${where}.maximumLength`, 1, 1000),
  };
}

function layerCount(value: unknown, where: string): 1 | 2 {
  return count(value, where, 1, 2) === 1 ? 1 : 2;
}

function onlyMembers(object: JsonObject, known: readonly string[], where: string): void {
  const foreign = Object.keys(object).filter((key) => !known.includes(key));
  if (foreign.length) {
    throw new FormatError(
      `${where} has ${foreign.join(', ')}, which version 1 does not know: its members are ${known.join(', ')}`,
    );
  }
}

function oneOf<const Choice extends string>(
  value: unknown,
  choices: readonly Choice[],
  where: string,
): Choice {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new FormatError(
    `${where} is ${shown(value)}, but must be ${choices.map((c) => `"${c}"`).join(' or ')}`,
  );
}

function count(value: unknown, where: string, least = 1, most = 1_000_000): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new FormatError(`${where} is ${shown(value)}, but must be a whole number from ${least} to ${most}`);
}

function truth(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new FormatError(`${where} is ${shown(value)}, but must be true or false`);
}

/** A name inside the captioner's folder: a config from elsewhere must not reach other files. */
function fileName(value: unknown, where: string): string {
  const name = expectText(value, where);
  if (/[/\\\0:]/.test(name) || name === '.' || name === '..') {
    throw new FormatError(`${where} is ${shown(name)}, but must be the name of a file in the same folder`);
  }
  return name;
}
