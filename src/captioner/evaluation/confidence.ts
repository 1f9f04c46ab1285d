import type { ImageScore } from './image-scores.ts';

/** What a threshold at one quantile of the mean log probability would divide. */
export interface Quantile {
  /** The part of the images, of 1, that is below; nearly, where several have the same value. */
  readonly part: number;
  /** The threshold: what `unsureBelow` in config.json would be. */
  readonly meanLogProbability: number;
  readonly imagesBelow: number;
  /** Mean CIDEr-D of the images below; null where there is none. */
  readonly CIDErBelow: number | null;
  readonly imagesAbove: number;
  readonly CIDErAbove: number;
}

const parts = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/**
 * How well the mean log probability of a caption tells whether it is good: for some thresholds, the mean CIDEr-D of the
 * captions below and of the others. Where it tells nothing, the two are alike.
 */
export function quantiles(scores: readonly Pick<ImageScore, 'meanLogProbability' | 'CIDEr'>[]): Quantile[] {
  const rising = [...scores].sort((a, b) => a.meanLogProbability - b.meanLogProbability);
  return parts.map((part) => {
    const { meanLogProbability } = rising[Math.floor(part * rising.length)];
    const below = rising.filter((score) => score.meanLogProbability < meanLogProbability);
    const above = rising.slice(below.length);
    return {
      part,
      meanLogProbability,
      imagesBelow: below.length,
      CIDErBelow: below.length > 0 ? meanCider(below) : null,
      imagesAbove: above.length,
      CIDErAbove: meanCider(above),
    };
  });
}

function meanCider(scores: readonly Pick<ImageScore, 'CIDEr'>[]): number {
  return scores.reduce((sum, { CIDEr }) => sum + CIDEr, 0) / scores.length;
}
