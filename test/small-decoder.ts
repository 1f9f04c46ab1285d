import type { CaptionerConfig, DecoderConfig } from '../src/captioner/config.ts';
import { Decoder, type DropoutRates } from '../src/captioner/decoder/decoder.ts';
import type { Device } from '../src/kernels/device.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { Random } from '../src/nn/random.ts';
import { Tensor } from '../src/tensor/tensor.ts';

/** What a decoder may have beside the sizes. */
export type DecoderOptions = Partial<
  Pick<DecoderConfig, 'initialState' | 'layers' | 'outputFrom' | 'tied'> & { gate: boolean }
>;

/** The three ways in which a decoder sees an image, and attention with all that a decoder may have. */
export type DecoderKind = 'average' | 'flattened' | 'attention' | 'modern';

const modern: DecoderOptions = {
  gate: true,
  initialState: 'dense',
  layers: 2,
  outputFrom: 'hidden+context+word',
  tied: true,
};

export interface SmallSizes {
  readonly encoding: number;
  readonly units: number;
  readonly embedding: number;
  readonly vocabulary: number;
  readonly attention: number;
  readonly recurrentActivation: 'sigmoid' | 'hard_sigmoid';
  readonly options: DecoderOptions;
}

const usual: SmallSizes = {
  encoding: 3,
  units: 4,
  embedding: 3,
  vocabulary: 7,
  attention: 5,
  recurrentActivation: 'sigmoid',
  options: {},
};

/** A captioner of few weights on the 256 channels of mixed0; a grid has the 49 places of an image of 75 pixels. */
export function smallConfig(kind: DecoderKind, sizes: Partial<SmallSizes> = {}): CaptionerConfig {
  const {
    encoding,
    units,
    embedding,
    vocabulary,
    attention,
    recurrentActivation,
    options = {},
  } = {
    ...usual,
    ...sizes,
  };
  const { gate, ...others } = kind === 'modern' ? modern : options;
  const average = kind === 'average';
  return {
    format: 'ekphrasis-captioner',
    version: 1,
    encoder: {
      architecture: 'inception_v3',
      weights: 'encoder.safetensors',
      imageSide: 75,
      reduceTo: null,
      outputs: ['mixed0'],
      pooling: average ? 'average' : 'grid',
      transform: average ? ['squareRoot', 'standardise'] : [],
      projection: { units: encoding, activation: 'relu' },
      flatten: kind === 'flattened',
    },
    decoder: {
      weights: 'decoder.safetensors',
      attention:
        kind === 'attention' || kind === 'modern' ? { units: attention, ...(gate && { gate }) } : null,
      initialState: average ? 'dense' : 'zeros',
      embedding,
      units,
      vocabulary,
      activation: 'tanh',
      recurrentActivation,
      maximumLength: 6,
      ...others,
    },
    tokenizer: 'tokenizer.json',
  };
}

/** Bounds of the weights by the beginnings of their names. The projection sums over many inputs. */
const ranges: readonly (readonly [string, number])[] = [
  ['projection.', 0.2],
  ['embedding.', 3],
  ['lstm.kernel', 1.5],
  ['output.kernel', 1.5],
  ['output.bias', 0.3],
  ['output.projection', 1.5],
];

/**
 * A decoder of random weights, so large that its words depend on the image and on each other. They are drawn here, not by
 * the decoder, so that what it begins training with does not matter to tests.
 */
export async function randomDecoder(
  device: Device,
  kind: DecoderKind,
  seed: number,
  sizes: Partial<SmallSizes> = {},
  rates?: DropoutRates,
): Promise<Decoder> {
  const decoder = new Decoder(device, new Random(seed), smallConfig(kind, sizes), rates);
  const weights = await decoder.save();
  const draw = new Random(seed);
  for (const [name, { shape, data }] of weights) {
    if (name.startsWith('features.')) continue;
    const range = ranges.find(([part]) => name.startsWith(part))?.[1] ?? 1;
    weights.set(name, { shape, data: Float32Array.from(data, () => draw.uniform(-range, range)) });
  }
  decoder.load(weights);
  return decoder;
}

/** Features of images as an encoder would give them, not below zero. */
export function randomFeatures(device: Device, kind: DecoderKind, seed: number, images = 1): Tensor {
  const shape = kind === 'average' ? [images, 256] : [images, 49, 256];
  return Tensor.from(device, Float32Array.from(floatSample(shape, seed, 0, 1).data), shape);
}
