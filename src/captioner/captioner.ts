import type { Device } from '../kernels/device.ts';
import { FormatError, UnsupportedError } from '../kernels/op/errors.ts';
import type { TensorSpec } from '../kernels/op/spec.ts';
import { readSafetensors } from '../nn/formats/safetensors.ts';
import { gridPlacement, gridSide } from '../nn/inception-v3/architecture.ts';
import { capture, type Plan } from '../tensor/capture.ts';
import { disposeAll, scope } from '../tensor/scope.ts';
import { Tensor } from '../tensor/tensor.ts';
import { type CaptionerConfig, parseCaptionerConfig } from './config.ts';
import { Decoder, type Encoding } from './decoder/decoder.ts';
import { Encoder } from './encoder/encoder.ts';
import type { FileSource } from './file-source.ts';
import type { RgbImage } from './images/rgb-image.ts';
import { BeamSearch } from './search/beam.ts';
import { GreedySearch } from './search/greedy.ts';
import { type Hypothesis, meanLogProbability } from './search/hypothesis.ts';
import { SentenceSearch } from './search/sentence-search.ts';
import { Tokenizer } from './tokenizer/tokenizer.ts';

/** A sentence and how likely the model holds it to be. Logarithms are natural. */
export interface Sentence {
  /** The sentence, words joined by blanks. */
  readonly caption: string;
  /** Word ids, the end word's included where the sentence ended. */
  readonly tokens: number[];
  /** Sum of the words' log probabilities, the end word's included: the logarithm of the sentence's probability. */
  readonly logProbability: number;
  /** The same over the number of words, the end word counted as one. */
  readonly meanLogProbability: number;
}

export interface Caption extends Sentence {
  /** Whether the mean log probability is below the `unsureBelow` of config.json; false where that is absent. */
  readonly unsure: boolean;
  /** With `top`, the next best sentences of the search, the best first; none otherwise. */
  readonly alternatives: readonly Sentence[];
  /** With `attention`, where each word looked; null otherwise. */
  readonly attention: AttentionMaps | null;
}

/** Where the words of a sentence looked, on a square grid over the image. */
export interface AttentionMaps {
  /** Places along an edge of the grid. They run row by row from the top left. */
  readonly side: number;
  /** The first place's centre, from the left and from the top, and the way to the next, as parts of the image's edge. */
  readonly first: number;
  readonly step: number;
  /** For each of the caption's `tokens`, side · side weights that add up to 1. */
  readonly weights: readonly Float32Array[];
}

export interface CaptionOptions {
  /** Width of the beam; 1 is greedy. Default 3. */
  readonly beam?: number;
  /** How many sentences are wanted in all, 1 to {@link widestTop}; a narrower beam is raised to it. Default 1. */
  readonly top?: number;
  /** Whether to tell where each word looked, of a model with attention. Default false. */
  readonly attention?: boolean;
  /** See `SearchOptions`. Default {@link defaultLengthExponent}. */
  readonly lengthExponent?: number;
}

/**
 * Chosen on 400 development images each of Flickr8k and of everyday, beam 3: CIDEr .500 and .626 with 1, .495 and .619 with
 * 0.7, .503 and .629 with 1.5, which loses .004 and .006 of BLEU-4.
 */
export const defaultLengthExponent = 1;

/** Most sentences of one search that can be asked for. */
export const widestTop = 100;

/** A loaded model: looks at an image once and writes a sentence about it. */
export class Captioner {
  readonly config: CaptionerConfig;
  readonly tokenizer: Tokenizer;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly #device: Device;
  #encode: Plan<Tensor, Encoding> | null = null;
  /** By width of the beam and exponent of the length. */
  readonly #searches = new Map<string, SentenceSearch>();

  constructor(device: Device, encoder: Encoder, decoder: Decoder, tokenizer: Tokenizer) {
    this.#device = device;
    this.encoder = encoder;
    this.decoder = decoder;
    this.tokenizer = tokenizer;
    this.config = decoder.config;
    const { vocabulary } = this.config.decoder;
    if (tokenizer.size !== vocabulary) {
      throw new FormatError(
        `the tokenizer has ${tokenizer.size} ids and the decoder ${vocabulary}; do the model folder's files belong together?`,
      );
    }
  }

  /** Loads a captioner folder (config.json and what it names). Rejects with FormatError naming what is wrong. */
  static async load(source: FileSource, device: Device): Promise<Captioner> {
    const config = parseCaptionerConfig(text(await source('config.json')), 'config.json');
    const [encoderFile, decoderFile, tokenizerFile] = await Promise.all(
      [config.encoder.weights, config.decoder.weights, config.tokenizer].map(source),
    );
    const tokenizer = Tokenizer.fromJSON(parseJson(text(tokenizerFile), config.tokenizer));
    const encoderWeights = readSafetensors(encoderFile, config.encoder.weights).weights;
    const encoder = new Encoder(device, encoderWeights, config.encoder);
    let decoder: Decoder | undefined;
    try {
      decoder = new Decoder(device, null, config);
      decoder.load(readSafetensors(decoderFile, config.decoder.weights).weights, config.decoder.weights);
      return new Captioner(device, encoder, decoder, tokenizer);
    } catch (error) {
      encoder.dispose();
      decoder?.dispose();
      throw error;
    }
  }

  /**
   * Describes one image. Rejects with ImageError where the image's data are not height × width × 3, with
   * UnsupportedError for a `top` or `lengthExponent` out of range or the attention of a model without any, and with the device's error when
   * its work failed.
   */
  async caption(image: RgbImage, options: CaptionOptions = {}): Promise<Caption> {
    this.#checkOptions(options);
    const features = this.encoder.features(image);
    try {
      return await this.describe(features, options);
    } finally {
      features.dispose();
    }
  }

  /** Describes the features of one image, as the encoder gives them: [1, channels] or [1, places, channels]. */
  async describe(features: Tensor, options: CaptionOptions = {}): Promise<Caption> {
    this.#checkOptions(options);
    const search = this.#searchOf(options);
    const encoding = this.#encoding(features).run(features, false);
    try {
      const [best, ...others] = await search.findAll(encoding);
      const sentence = this.#sentence(best);
      const { unsureBelow = Number.NEGATIVE_INFINITY } = this.config;
      return {
        ...sentence,
        unsure: sentence.meanLogProbability < unsureBelow,
        alternatives: others.slice(0, (options.top ?? 1) - 1).map((other) => this.#sentence(other)),
        attention: options.attention ? await this.#attentionMaps(best, encoding) : null,
      };
    } finally {
      disposeAll(encoding);
    }
  }

  /**
   * Compiles all kernels that a caption of this width needs, side by side, so that the first caption need not wait for
   * them. Rejects with KernelError where one does not compile.
   */
  async warmup(options: CaptionOptions = {}): Promise<void> {
    this.#checkOptions(options);
    const encode = this.#encoding(this.encoder.featureSpec());
    await Promise.all([this.encoder.ready(), encode.ready(), this.#searchOf(options).ready(encode.outputs)]);
  }

  dispose(): void {
    this.#encode?.dispose();
    this.#encode = null;
    for (const search of this.#searches.values()) search.dispose();
    this.#searches.clear();
    this.encoder.dispose();
    this.decoder.dispose();
  }

  /** The decoder's view of features of this shape, as a plan. */
  #encoding(features: TensorSpec): Plan<Tensor, Encoding> {
    if (this.#encode?.stale) {
      this.#encode.dispose();
      this.#encode = null;
    }
    this.#encode ??= capture(this.#device, features, (x: Tensor) => this.decoder.encode(x));
    return this.#encode;
  }

  #checkOptions({ top = 1, attention = false, lengthExponent = 0 }: CaptionOptions): void {
    if (!Number.isInteger(top) || top < 1 || top > widestTop) {
      throw new UnsupportedError(
        `Captioner: the ${top} best sentences were asked for; give a whole number from 1 to ${widestTop}`,
      );
    }
    if (!Number.isFinite(lengthExponent) || lengthExponent < 0) {
      throw new UnsupportedError(
        `Captioner: a lengthExponent of ${lengthExponent} was given; give a number from 0, such as ${defaultLengthExponent}`,
      );
    }
    if (attention && !this.config.decoder.attention) {
      throw new UnsupportedError(
        'Captioner: attention was asked for, but this model has none: it sees the whole image at every word; take a model whose config.json has decoder.attention',
      );
    }
  }

  #sentence(hypothesis: Hypothesis): Sentence {
    const { tokens, logProbability } = hypothesis;
    const caption = this.tokenizer.decode(tokens);
    return { caption, tokens, logProbability, meanLogProbability: meanLogProbability(hypothesis) };
  }

  /** Where the words of a sentence that was found looked: it is told to the decoder once more, word by word. */
  async #attentionMaps({ tokens }: Hypothesis, encoding: Encoding): Promise<AttentionMaps> {
    const { imageSide, outputs } = this.config.encoder;
    const before = Int32Array.from([this.tokenizer.startId, ...tokens.slice(0, -1)]);
    const looked = scope(() =>
      this.decoder.attentionWeights(this.decoder.projectWords(Tensor.from(this.#device, before)), encoding),
    );
    try {
      const data = (await looked.data()) as Float32Array;
      const places = looked.shape[1];
      const { first, step } = gridPlacement(outputs[0]);
      return {
        side: gridSide(imageSide, outputs[0]),
        first: (first + 0.5) / imageSide,
        step: step / imageSide,
        weights: tokens.map((_, word) => data.slice(word * places, (word + 1) * places)),
      };
    } finally {
      looked.dispose();
    }
  }

  #searchOf(chosen: CaptionOptions): SentenceSearch {
    const { top = 1, lengthExponent = defaultLengthExponent } = chosen;
    const beam = Math.max(chosen.beam ?? 3, top);
    const key = `${beam} ${lengthExponent}`;
    let search = this.#searches.get(key);
    if (!search) {
      const { startId, endId, unknownId } = this.tokenizer;
      const { maximumLength } = this.config.decoder;
      // A sentence with a hole in it describes nothing: the next best word is taken instead of the unknown one.
      const options = { startId, endId, maximumLength, forbidden: [0, startId, unknownId], lengthExponent };
      const method =
        beam === 1
          ? new GreedySearch(this.#device, this.decoder, options)
          : new BeamSearch(this.#device, this.decoder, beam, options);
      search = new SentenceSearch(this.#device, method);
      this.#searches.set(key, search);
    }
    return search;
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function parseJson(source: string, file: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    throw new FormatError(`${file} is not JSON (${(error as Error).message}); get an intact copy`);
  }
}
