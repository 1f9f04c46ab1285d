import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { elementCount } from '../../../kernels/spec.ts';
import type { CaptionerConfig } from '../../config.ts';
import type { CaptionedImage } from '../../data/captioned-image.ts';
import { cleanCaptions } from '../../data/clean-captions.ts';
import { type DataSet, openDataSet } from '../../data/data-set.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { TrainingImage } from '../../training/batches.ts';
import { mostAgreed } from '../../training/consensus.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import type { TrainingData } from '../../training/trainer.ts';
import { dataFolder } from '../data-folder.ts';
import { openProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import { cachedFeatures, cachedImages } from './feature-cache.ts';
import type { ModelSettings, RunSettings } from './settings.ts';

/** A data set that was opened, and the folder that its images' names are relative to. */
export interface OpenedSet {
  readonly folder: string;
  readonly set: DataSet;
}

/** Opens the data sets in their order; what is missing in one is told. */
export async function openSets(
  folders: readonly string[],
  { seed, heldOut }: { readonly seed: number; readonly heldOut: number },
  terminal: Terminal,
): Promise<OpenedSet[]> {
  const sets: OpenedSet[] = [];
  for (const folder of folders) {
    const set = await openDataSet(dataFolder(folder), { seed, heldOut: { dev: heldOut, test: heldOut } });
    const { missing } = set;
    if (missing.length > 0) {
      terminal.say(`${folder}: ${missing.length} images have no file or no caption, first ${missing[0]}`);
    }
    sets.push({ folder, set });
  }
  return sets;
}

/** The images of all sets, by their paths. */
export function joined(sets: readonly OpenedSet[], split: 'train' | 'dev'): CaptionedImage[] {
  return sets.flatMap(({ folder, set }) =>
    set[split].map(({ image, captions }) => ({ image: join(folder, image), captions })),
  );
}

/** The captions that are trained on. */
export function cleaned(records: readonly CaptionedImage[], { captions }: ModelSettings): CaptionedImage[] {
  const { articles, maximumWords, examples, best } = captions;
  const kept = cleanCaptions(records, { articles, maximumWords, maximumCaptions: examples ?? undefined });
  return best === null ? kept : mostAgreed(kept, best);
}

/** The features of the images in `wanted`, by their paths, in this order. Each set has a cache of its own. */
export async function featuresOf(
  run: RunSettings,
  config: CaptionerConfig,
  sets: readonly OpenedSet[],
  wanted: readonly string[],
  device: Device,
): Promise<FeatureTable> {
  const threads = run.threads ?? (device.kind === 'cpu' ? availableParallelism() : 1);
  const rowsOf = new Map(wanted.map((path, row) => [path, row]));
  let table: { rowShape: readonly number[]; data: Float32Array } | null = null;
  for (const { folder, set } of sets) {
    const images = cachedImages(set);
    const own = images.filter((image) => rowsOf.has(join(folder, image)));
    const bar = openProgressBar(sets.length === 1 ? 'features' : `features of ${folder}`);
    const source = { folder, encoderFile: run.encoderFile, encoder: config.encoder, device: device.kind };
    try {
      const { rowShape, data } = await cachedFeatures(source, images, run.cache, threads, bar.update, own);
      const width = elementCount(rowShape);
      table ??= { rowShape, data: new Float32Array(wanted.length * width) };
      for (const [index, image] of own.entries()) {
        const row = rowsOf.get(join(folder, image)) as number;
        table.data.set(data.subarray(index * width, (index + 1) * width), row * width);
      }
    } finally {
      bar.close();
    }
  }
  return table as FeatureTable;
}

/** Features lie in the order of the training images, then the development images. */
export function trainingData(
  records: { train: readonly CaptionedImage[]; dev: readonly CaptionedImage[] },
  tokenizer: Tokenizer,
  features: FeatureTable,
): TrainingData {
  const encode = (images: readonly CaptionedImage[], first: number): TrainingImage[] =>
    images.map(({ captions }, index) => ({
      features: first + index,
      captions: captions.map((caption) => tokenizer.encode(caption, { wrapped: true })),
    }));
  return { train: encode(records.train, 0), dev: encode(records.dev, records.train.length), features };
}

/** Images of one data set whose captions are scored, with all that people wrote of them. */
export interface ScoredSet {
  readonly folder: string;
  readonly images: readonly CaptionedImage[];
  /** Their rows among the features. */
  readonly rows: readonly number[];
}

/** The development images by data set; `first` is the row of the first of them. */
export function scoredSets(
  sets: readonly OpenedSet[],
  dev: readonly CaptionedImage[],
  first: number,
): ScoredSet[] {
  const rowOf = new Map(dev.map(({ image }, index) => [image, first + index]));
  return sets
    .map((opened) => {
      const images = joined([opened], 'dev').filter(({ image }) => rowOf.has(image));
      return { folder: opened.folder, images, rows: images.map(({ image }) => rowOf.get(image) as number) };
    })
    .filter(({ images }) => images.length > 0);
}
