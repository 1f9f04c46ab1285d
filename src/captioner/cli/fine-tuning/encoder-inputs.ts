import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import type { Weights } from '../../../nn/formats/weights.ts';
import { gridSide, stages } from '../../../nn/inception-v3/architecture.ts';
import { InceptionV3 } from '../../../nn/inception-v3/inception-v3.ts';
import { Random } from '../../../nn/random.ts';
import { concat } from '../../../tensor/functions.ts';
import { scope } from '../../../tensor/scope.ts';
import { Tensor } from '../../../tensor/tensor.ts';
import { preprocess } from '../../encoder/preprocess.ts';
import { openProgressBar } from '../progress-bar.ts';
import { cachedImages, openFeatures } from '../training/feature-cache.ts';
import type { FeatureFiles } from '../training/feature-files.ts';
import type { OpenedSet } from '../training/training-data.ts';
import { ImagePipeline } from './image-pipeline.ts';
import type { FineTuningRun } from './run-settings.ts';
import type { FineTuningSettings } from './settings.ts';
import type { TunedImage } from './tuned-images.ts';

/** Where activations are kept, and with how many threads they are computed. */
export type InputsRun = Pick<FineTuningRun, 'cache' | 'threads'>;

/** What enters the trained part of the encoder. */
export interface EncoderInputs {
  /**
   * Makes ready what enters for some images [N, H, W, C], by their numbers; the function that it resolves to puts it on
   * the device. `seed` varies the images as the settings say; null leaves them as they are.
   */
  load(images: readonly number[], seed: number | null): Promise<() => Tensor>;
  close(): Promise<void>;
}

/**
 * The images' pixels where all stages are trained, else what the stages below the first make of them: kept in files where
 * images are as they are, computed anew at every step where they are varied.
 */
export async function openInputs(
  device: Device,
  run: InputsRun,
  settings: FineTuningSettings,
  encoder: { readonly weights: Weights; readonly file: string },
  sets: readonly OpenedSet[],
  images: readonly TunedImage[],
): Promise<EncoderInputs> {
  const { first, augmentation } = settings;
  const before = stages[stages.findIndex(({ name }) => name === first) - 1]?.name;
  if (before === undefined) return pixelInputs(device, settings, sets, images);
  const varied = augmentation.flip || augmentation.crop < 1 || augmentation.colour > 0;
  if (!varied) return activationInputs(device, run, settings, encoder.file, before, sets, images);
  const lower = InceptionV3.fromWeights(device, encoder.weights, { last: before }, encoder.file);
  return throughStages(lower, before, pixelInputs(device, settings, sets, images));
}

/** What the stages up to `last` make of other inputs. */
function throughStages(lower: InceptionV3, last: string, pixels: EncoderInputs): EncoderInputs {
  return {
    async load(images, seed) {
      const put = await pixels.load(images, seed);
      return () => scope(() => lower.forward(put(), [last]).get(last) as Tensor);
    },
    async close() {
      lower.dispose();
      await pixels.close();
    },
  };
}

function pixelInputs(
  device: Device,
  { augmentation, imageSide, reduceTo }: FineTuningSettings,
  sets: readonly OpenedSet[],
  images: readonly TunedImage[],
): EncoderInputs {
  // One thread decodes 100 small photographs a second, and a step takes a quarter of a second for each.
  const pipeline = new ImagePipeline({ augmentation }, 1);
  return {
    async load(numbers, seed) {
      const random = seed === null ? null : new Random(seed);
      const loading = numbers.map((number) => {
        const { set, image } = images[number];
        return pipeline.load(join(sets[set].folder, image), random?.next() ?? null);
      });
      const loaded = await Promise.all(loading);
      return () =>
        scope(() =>
          concat(
            loaded.map((image) => preprocess(device, image, imageSide, reduceTo)),
            0,
          ),
        );
    },
    close: () => pipeline.close(),
  };
}

async function activationInputs(
  device: Device,
  run: InputsRun,
  settings: FineTuningSettings,
  encoderFile: string,
  before: string,
  sets: readonly OpenedSet[],
  images: readonly TunedImage[],
): Promise<EncoderInputs> {
  const { imageSide, reduceTo } = settings;
  const encoder = {
    architecture: 'inception_v3',
    weights: 'encoder.safetensors',
    imageSide,
    reduceTo,
    outputs: [before],
    pooling: 'grid',
    transform: [],
    projection: { units: 1, activation: 'relu' },
    flatten: false,
  } as const;
  const files: FeatureFiles[] = [];
  const rowOf: number[] = [];
  for (const [number, { folder, set }] of sets.entries()) {
    const wanted: string[] = [];
    for (const [index, place] of images.entries()) {
      if (place.set === number) rowOf[index] = wanted.push(place.image) - 1;
    }
    const bar = openProgressBar(`${before} of ${folder}`);
    try {
      const threads = run.threads ?? (device.kind === 'cpu' ? availableParallelism() : 1);
      const request = { cacheFolder: run.cache, threads, progress: bar.update };
      const source = {
        folder,
        encoderFile,
        encoder,
        device: device.kind,
        precision: 'float16',
      } as const;
      files.push(await openFeatures(source, cachedImages(set), request, wanted));
    } finally {
      bar.close();
    }
  }
  const side = gridSide(imageSide, before);
  return {
    async load(numbers) {
      const rows = await Promise.all(
        numbers.map((number) => files[images[number].set].rows([rowOf[number]])),
      );
      const width = rows[0].length;
      const data = new Float32Array(numbers.length * width);
      for (const [row, values] of rows.entries()) data.set(values, row * width);
      return () => Tensor.from(device, data, [numbers.length, side, side, width / side / side]);
    },
    close: async () => undefined,
  };
}
