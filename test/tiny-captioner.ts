import { symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PNG } from 'pngjs';
import type { CaptionerConfig } from '../src/captioner/config.ts';
import { Decoder } from '../src/captioner/decoder/decoder.ts';
import { Tokenizer } from '../src/captioner/tokenizer/tokenizer.ts';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import { writeSafetensors } from '../src/nn/formats/safetensors.ts';
import { Random } from '../src/nn/random.ts';

/** What the decoder reads: one vector, a grid laid out flat, or a grid through attention. */
export type TinyKind = 'average' | 'flattened' | 'attention';

const words = 'man dog ball water red snow two run jump play grass woman boy girl cat'.split(' ');

/**
 * Writes a captioner into a folder that exists: the shipped encoder up to its first block, looking at images of 75
 * pixels, and a small decoder of random weights, large enough that different images get different sentences.
 */
export async function writeTinyCaptioner(folder: string, kind: TinyKind): Promise<void> {
  const tokenizer = Tokenizer.fit([words.join(' ')]);
  const average = kind === 'average';
  const config: CaptionerConfig = {
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
      projection: { units: 8, activation: 'relu' },
      flatten: kind === 'flattened',
    },
    decoder: {
      weights: 'decoder.safetensors',
      attention: kind === 'attention' ? { units: 6 } : null,
      initialState: average ? 'dense' : 'zeros',
      embedding: 5,
      units: 12,
      vocabulary: tokenizer.size,
      activation: 'tanh',
      recurrentActivation: 'sigmoid',
      maximumLength: 9,
    },
    tokenizer: 'tokenizer.json',
  };
  const device = await CpuDevice.create();
  const weights = await new Decoder(device, new Random(5), config).save();
  device.destroy();
  const enlarged = [...weights].map(([name, { shape, data }]) => ({
    name,
    shape,
    data: Float32Array.from(data, (value) => 4 * value),
  }));
  writeFileSync(join(folder, 'decoder.safetensors'), writeSafetensors(enlarged));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  symlinkSync(resolve('models/flickr8k/encoder.safetensors'), join(folder, 'encoder.safetensors'));
}

/** A PNG of 16 × 16 pixels, striped in two random colours. */
export function stripedImage(seed: number): Uint8Array {
  const random = new Random(seed);
  const image = new PNG({ width: 16, height: 16 });
  const colours = [0, 1].map(() => [0, 1, 2].map(() => Math.floor(random.uniform(0, 256))));
  const width = 1 + Math.floor(random.uniform(0, 8));
  for (let pixel = 0; pixel < 256; pixel++) {
    const [red, green, blue] = colours[Math.floor((pixel % 16) / width) % 2];
    image.data.set([red, green, blue, 255], 4 * pixel);
  }
  return PNG.sync.write(image);
}
