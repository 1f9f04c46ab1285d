import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { gridSide, stages } from '../../../nn/inception-v3/architecture.ts';
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
import type { FineTuningRun, FineTuningSettings } from './settings.ts';

/** Where an image is: a data set among those given, and its name there. */
export interface ImagePlace {
  readonly set: number;
  readonly image: string;
}

/** What enters the trained part of the encoder. */
export interface EncoderInputs {
  /**
   * Makes ready what enters for some images [N, H, W, C], by their numbers; the function that it resolves to puts it on
   * the device. `seed` varies the images as the settings say; null leaves them as they are.
   */
  load(images: readonly number[], seed: number | null): Promise<() => Tensor>;
  close(): Promise<void>;
}

/** The images' pixels where all stages are trained, else what the stages below the first make of them. */
export function openInputs(
  device: Device,
  run: FineTuningRun,
  settings: FineTuningSettings,
  sets: readonly OpenedSet[],
  places: readonly ImagePlace[],
): Promise<EncoderInputs> | EncoderInputs {
  return settings.first === stages[0].name
    ? pixelInputs(device, settings, sets, places)
    : activationInputs(device, run, settings, sets, places);
}

function pixelInputs(
  device: Device,
  { augmentation, imageSide, reduceTo }: FineTuningSettings,
  sets: readonly OpenedSet[],
  places: readonly ImagePlace[],
): EncoderInputs {
  // One thread decodes 100 small photographs a second, and a step takes a quarter of a second for each.
  const pipeline = new ImagePipeline({ augmentation }, 1);
  return {
    async load(images, seed) {
      const random = seed === null ? null : new Random(seed);
      const loading = images.map((number) => {
        const { set, image } = places[number];
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
  run: FineTuningRun,
  settings: FineTuningSettings,
  sets: readonly OpenedSet[],
  places: readonly ImagePlace[],
): Promise<EncoderInputs> {
  const { imageSide, reduceTo } = settings;
  const before = stages[stages.findIndex(({ name }) => name === settings.first) - 1].name;
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
    for (const [index, place] of places.entries()) {
      if (place.set === number) rowOf[index] = wanted.push(place.image) - 1;
    }
    const bar = openProgressBar(`${before} of ${folder}`);
    try {
      const threads = run.threads ?? (device.kind === 'cpu' ? availableParallelism() : 1);
      const request = { cacheFolder: run.cache, threads, progress: bar.update };
      const source = {
        folder,
        encoderFile: run.encoderFile,
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
    async load(images) {
      const rows = await Promise.all(images.map((image) => files[places[image].set].rows([rowOf[image]])));
      const width = rows[0].length;
      const data = new Float32Array(images.length * width);
      for (const [row, values] of rows.entries()) data.set(values, row * width);
      return () => Tensor.from(device, data, [images.length, side, side, width / side / side]);
    },
    close: async () => undefined,
  };
}
