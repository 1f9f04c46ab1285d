import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { elementCount } from '../../../kernels/op/spec.ts';
import type { CaptionerConfig } from '../../config.ts';
import type { CaptionedImage } from '../../data/captioned-image.ts';
import { cleanCaptions } from '../../data/clean-captions.ts';
import type { DataSet } from '../../data/data-set.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { TrainingImage } from '../../training/batches.ts';
import { mostAgreed } from '../../training/consensus.ts';
import type { Draw } from '../../training/epoch-order.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import type { TrainingData } from '../../training/trainer.ts';
import { openData } from '../data-folder.ts';
import { openProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import { cachedFeatures, cachedImages } from './feature-cache.ts';
import type { ModelSettings, RunSettings } from './settings.ts';

/** A data set that was opened. */
export interface OpenedSet {
  /** As `--data` has it. */
  readonly path: string;
  /** The folder that its images' names are relative to. */
  readonly folder: string;
  readonly set: DataSet;
}

/** Opens the data sets in their order; what is missing in one is told. */
export async function openSets(
  paths: readonly string[],
  { seed, heldOut }: { readonly seed: number; readonly heldOut: number },
  terminal: Terminal,
): Promise<OpenedSet[]> {
  const sets: OpenedSet[] = [];
  for (const path of paths) {
    const { folder, set } = await openData(path, { seed, heldOut: { dev: heldOut, test: heldOut } });
    const { missing } = set;
    if (missing.length > 0) {
      terminal.say(
        `${path}: ${missing.length} images have no file or no caption, first ${join(folder, missing[0])}`,
      );
    }
    sets.push({ path, folder, set });
  }
  return sets;
}

/** A set with the captions that are trained on. */
export interface CleanedSet extends OpenedSet {
  readonly train: readonly CaptionedImage[];
  readonly dev: readonly CaptionedImage[];
}

/** What of the sets' captions is used. A limit on their number is one of all sets together, in their order. */
export function cleanedSets(
  sets: readonly OpenedSet[],
  { captions }: Pick<ModelSettings, 'captions'>,
): CleanedSet[] {
  const { articles, maximumWords, examples, best } = captions;
  const clean = (split: 'train' | 'dev') => {
    let left = examples ?? undefined;
    return sets.map(({ set }) => {
      const kept = cleanCaptions(set[split], { articles, maximumWords, maximumCaptions: left });
      if (left !== undefined) left -= captionCount(kept);
      return best === null ? kept : mostAgreed(kept, best);
    });
  };
  const [train, dev] = [clean('train'), clean('dev')];
  return sets.map((opened, index) => ({ ...opened, train: train[index], dev: dev[index] }));
}

export function captionCount(records: readonly CaptionedImage[]): number {
  return records.reduce((sum, { captions }) => sum + captions.length, 0);
}

/**
 * The features of the training images of all sets, one set after the other, and then of their development images. Each
 * set has a cache of its own.
 */
export async function featuresOf(
  run: RunSettings,
  config: CaptionerConfig,
  sets: readonly CleanedSet[],
  device: Device,
): Promise<FeatureTable> {
  const threads = run.threads ?? (device.kind === 'cpu' ? availableParallelism() : 1);
  const total = sets.reduce((sum, { train, dev }) => sum + train.length + dev.length, 0);
  let dev = sets.reduce((sum, { train }) => sum + train.length, 0);
  let train = 0;
  let table: { rowShape: readonly number[]; data: Float32Array } | null = null;
  for (const set of sets) {
    const own = [...set.train, ...set.dev].map(({ image }) => image);
    const bar = openProgressBar(sets.length === 1 ? 'features' : `features of ${set.path}`);
    const source = {
      folder: set.folder,
      encoderFile: run.encoderFile,
      encoder: config.encoder,
      device: device.kind,
    };
    try {
      const { rowShape, data } = await cachedFeatures(
        source,
        cachedImages(set.set),
        run.cache,
        threads,
        bar.update,
        own,
      );
      const width = elementCount(rowShape);
      table ??= { rowShape, data: new Float32Array(total * width) };
      table.data.set(data.subarray(0, set.train.length * width), train * width);
      table.data.set(data.subarray(set.train.length * width), dev * width);
    } finally {
      bar.close();
    }
    train += set.train.length;
    dev += set.dev.length;
  }
  return table as FeatureTable;
}

/** The development images of a set as training wants them. */
export interface DevSet {
  readonly path: string;
  readonly images: readonly TrainingImage[];
  /** Their paths, and all that people wrote about each. */
  readonly references: readonly CaptionedImage[];
}

/** The captions as ids, beside features that lie as {@link featuresOf} lays them. */
export function trainingData(
  sets: readonly CleanedSet[],
  weights: readonly number[],
  tokenizer: Tokenizer,
  features: FeatureTable,
): TrainingData & { readonly dev: readonly DevSet[]; readonly draws: readonly Draw[] } {
  let row = 0;
  const encode = (images: readonly CaptionedImage[]): TrainingImage[] =>
    images.map(({ captions }) => ({
      features: row++,
      captions: captions.map((caption) => tokenizer.encode(caption, { wrapped: true })),
    }));
  const train = sets.flatMap((set) => encode(set.train));
  const dev = sets.map(({ path, folder, set, dev }) => {
    const written = new Map(set.dev.map(({ image, captions }) => [image, captions]));
    const references = dev.map(({ image, captions }) => ({
      image: join(folder, image),
      captions: written.get(image) ?? captions,
    }));
    return { path, images: encode(dev), references };
  });
  const draws = sets.map((set, index) => ({ images: set.train.length, weight: weights[index] ?? 1 }));
  return { train, dev, draws, features };
}
