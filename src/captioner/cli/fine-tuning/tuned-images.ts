import type { CaptionedImage } from '../../data/captioned-image.ts';
import type { Draw } from '../../training/epoch-order.ts';
import { UsageError } from '../arguments.ts';
import { cleanedSets, type OpenedSet } from '../training/training-data.ts';
import { type FineTuningSettings, trainsFor } from './settings.ts';

/** An image that is trained on or measured. */
export interface TunedImage {
  /** The data set among those given, and its name there. */
  readonly set: number;
  readonly image: string;
  /** All that people wrote about it. */
  readonly written: readonly string[];
  /** What of that a decoder learns. */
  readonly captions: readonly string[];
}

export interface TunedImages {
  /** The training images, then those that are measured. Their places here are their numbers everywhere. */
  readonly images: readonly TunedImage[];
  readonly trainCount: number;
  /** How often an epoch has the training images of each data set. */
  readonly draws: readonly Draw[];
}

/**
 * The training images of all sets, then at most `measure` of their development images, evenly chosen; where captions are
 * trained for, those of which any is left once they are cleaned. Throws UsageError where nothing is left.
 */
export function tunedImages(sets: readonly OpenedSet[], settings: FineTuningSettings): TunedImages {
  const { captions, measure, dataWeights } = settings;
  const cleaned = trainsFor(settings, 'captions')
    ? cleanedSets(sets, { captions: { ...captions, examples: null, best: null } })
    : sets.map(({ set }) => set);
  const own = (split: 'train' | 'dev') =>
    cleaned.map((part, set) => {
      const written = new Map(sets[set].set[split].map((record) => [record.image, record.captions]));
      return part[split].map(
        ({ image, captions }: CaptionedImage): TunedImage => ({
          set,
          image,
          written: written.get(image) ?? captions,
          captions,
        }),
      );
    });
  const train = own('train');
  const dev = own('dev').flat();
  const trainCount = train.reduce((sum, { length }) => sum + length, 0);
  if (trainCount === 0 || dev.length === 0) {
    throw new UsageError(
      `no image is left ${trainCount === 0 ? 'to train on' : 'to measure'} in ${sets.map(({ path }) => path).join(', ')}. Raise --max-words, or --held-out where there are no split lists.`,
    );
  }
  const count = Math.min(measure, dev.length);
  const chosen = Array.from({ length: count }, (_, index) => dev[Math.floor((index * dev.length) / count)]);
  return {
    images: [...train.flat(), ...chosen],
    trainCount,
    draws: train.map(({ length }, set) => ({ images: length, weight: dataWeights[set] ?? 1 })),
  };
}
