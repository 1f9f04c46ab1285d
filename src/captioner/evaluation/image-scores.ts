import type { Caption } from '../captioner.ts';
import { bleu } from '../metrics/bleu.ts';
import { ciderDScores } from '../metrics/cider.ts';
import { scoredPairs } from '../metrics/evaluate-captions.ts';

/** The scores of one image's caption. */
export interface ImageScore {
  readonly image: string;
  readonly caption: string;
  /** Natural logarithm, per word, the end word's included. */
  readonly meanLogProbability: number;
  /** CIDEr-D, 0 to 10. The mean over the images is the figure of the set. */
  readonly CIDEr: number;
  /** Of this sentence alone: without a matching 4-gram close to 0. The figure of the set is no mean of these. */
  readonly 'BLEU-4': number;
}

/**
 * Scores image by image, in the order of the captions.
 * @throws FormatError as evaluateCaptions does
 */
export function imageScores(
  captions: ReadonlyMap<string, Pick<Caption, 'caption' | 'meanLogProbability'>>,
  references: ReadonlyMap<string, readonly string[]>,
): ImageScore[] {
  const candidates = new Map([...captions].map(([image, { caption }]) => [image, caption]));
  const pairs = scoredPairs(candidates, references);
  const ciders = ciderDScores(pairs);
  return [...captions].map(([image, { caption, meanLogProbability }], place) => ({
    image,
    caption,
    meanLogProbability,
    CIDEr: ciders[place],
    'BLEU-4': bleu([pairs[place]])[3],
  }));
}

/**
 * The `most` best and the `most` worst by CIDEr-D, each beginning with the outermost; of fewer than 2 · `most` images,
 * one half each, so that none is in both.
 */
export function outermost(
  scores: readonly ImageScore[],
  most: number,
): { best: ImageScore[]; worst: ImageScore[] } {
  const falling = [...scores].sort((a, b) => b.CIDEr - a.CIDEr);
  const best = falling.slice(0, Math.min(most, Math.ceil(falling.length / 2)));
  const worst = falling.slice(Math.max(best.length, falling.length - most)).reverse();
  return { best, worst };
}
