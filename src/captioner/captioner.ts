import type { Device } from '../kernels/device.ts';
import { FormatError } from '../kernels/errors.ts';
import { readSafetensors } from '../nn/formats/safetensors.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type CaptionerConfig, parseCaptionerConfig } from './config.ts';
import { Decoder } from './decoder/decoder.ts';
import { Encoder } from './encoder/encoder.ts';
import type { FileSource } from './file-source.ts';
import type { RgbImage } from './images/rgb-image.ts';
import { beamSearch } from './search/beam.ts';
import { greedySearch } from './search/greedy.ts';
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
    const { startId, endId, unknownId } = this.tokenizer;
    const { maximumLength } = this.config.decoder;
    // A sentence with a hole in it describes nothing: the next best word is taken instead of the unknown one.
    const search = { startId, endId, maximumLength, forbidden: [0, startId, unknownId], lengthExponent };
    const encoding = scope(() => ({ ...this.decoder.encode(features) }));
    try {
      const { tokens, logProbability } =
        beam === 1
          ? await greedySearch(this.#device, this.decoder, encoding, search)
          : await beamSearch(this.#device, this.decoder, encoding, beam, search);
      return { caption: this.tokenizer.decode(tokens), tokens, logProbability };
    } finally {
      for (const tensor of Object.values(encoding)) tensor?.dispose();
    }
  }

  dispose(): void {
    this.encoder.dispose();
    this.decoder.dispose();
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
