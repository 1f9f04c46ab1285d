import type { Device } from '../kernels/device.ts';
import { FormatError } from '../kernels/errors.ts';
import type { TensorSpec } from '../kernels/spec.ts';
import { readSafetensors } from '../nn/formats/safetensors.ts';
import { capture, type Plan } from '../tensor/capture.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type CaptionerConfig, parseCaptionerConfig } from './config.ts';
import { Decoder } from './decoder/decoder.ts';
import { Encoder } from './encoder/encoder.ts';
import type { FileSource } from './file-source.ts';
import type { RgbImage } from './images/rgb-image.ts';
import { BeamSearch } from './search/beam.ts';
import { GreedySearch } from './search/greedy.ts';
import { SentenceSearch } from './search/sentence-search.ts';
import { Tokenizer } from './tokenizer/tokenizer.ts';

export interface Caption {
  /** The sentence, words joined by blanks. */
  readonly caption: string;
  /** Word ids, the end word's included where the sentence ended. */
  readonly tokens: number[];
  /** Sum of the words' log probabilities. */
  readonly logProbability: number;
}

export interface CaptionOptions {
  /** Width of the beam; 1 is greedy. Default 3. */
  readonly beam?: number;
}

/** Chosen on Flickr8k's development images, beam 3: with 1 captions were longer and BLEU-4 .002 to .005 lower. */
const lengthExponent = 0.7;

/** A loaded model: looks at an image once and writes a sentence about it. */
export class Captioner {
  readonly config: CaptionerConfig;
  readonly tokenizer: Tokenizer;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly #device: Device;
  #encode: Plan | null = null;
  /** By width of the beam. */
  readonly #searches = new Map<number, SentenceSearch>();

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
   * Describes one image. Rejects with ImageError where the image's data are not height × width × 3, and with the
   * device's error when its work failed.
   */
  async caption(image: RgbImage, options: CaptionOptions = {}): Promise<Caption> {
    const features = this.encoder.features(image);
    try {
      return await this.describe(features, options);
    } finally {
      features.dispose();
    }
  }

  /** Describes the features of one image, as the encoder gives them: [1, channels] or [1, places, channels]. */
  async describe(features: Tensor, { beam = 3 }: CaptionOptions = {}): Promise<Caption> {
    const search = this.#searchOf(beam);
    const encoding = this.#encoding(features).run([features], false);
    try {
      const { tokens, logProbability } = await search.find(this.decoder.encodingOf(encoding));
      return { caption: this.tokenizer.decode(tokens), tokens, logProbability };
    } finally {
      for (const tensor of encoding) tensor.dispose();
    }
  }

  /**
   * Compiles all kernels that a caption of this width needs, side by side, so that the first caption need not wait for
   * them. Rejects with KernelError where one does not compile.
   */
  async warmup({ beam = 3 }: CaptionOptions = {}): Promise<void> {
    const encode = this.#encoding(this.encoder.featureSpec());
    await Promise.all([this.encoder.ready(), encode.ready(), this.#searchOf(beam).ready(encode.outputs)]);
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
  #encoding(features: TensorSpec): Plan {
    if (this.#encode?.stale) {
      this.#encode.dispose();
      this.#encode = null;
    }
    this.#encode ??= capture(this.#device, [features], ([x]) => this.decoder.listOf(this.decoder.encode(x)));
    return this.#encode;
  }

  #searchOf(beam: number): SentenceSearch {
    let search = this.#searches.get(beam);
    if (!search) {
      const { startId, endId, unknownId } = this.tokenizer;
      const { maximumLength } = this.config.decoder;
      // A sentence with a hole in it describes nothing: the next best word is taken instead of the unknown one.
      const options = { startId, endId, maximumLength, forbidden: [0, startId, unknownId], lengthExponent };
      const method =
        beam === 1
          ? new GreedySearch(this.#device, this.decoder, options)
          : new BeamSearch(this.#device, this.decoder, beam, options);
      search = new SentenceSearch(this.#device, this.decoder, method);
      this.#searches.set(beam, search);
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
