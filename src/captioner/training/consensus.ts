import type { CaptionedImage } from '../data/captioned-image.ts';
import { ciderDScores } from '../metrics/cider.ts';
import { tokenizeForScoring } from '../metrics/tokenize.ts';

/**
 * Of each image the `count` captions that agree best with its others, by CIDEr-D against them; in their old order. What
 * one person alone saw is hard to learn and no use to learn. An image with no more captions than that keeps all.
 */
export function mostAgreed(records: readonly CaptionedImage[], count: number): CaptionedImage[] {
  const words = records.map(({ captions }) => captions.map((caption) => tokenizeForScoring(caption)));
  const pairs = words.flatMap((sentences) =>
    sentences.length <= count
      ? []
      : sentences.map((candidate, index) => ({
          candidate,
          references: sentences.filter((_, other) => other !== index),
        })),
  );
  const scores = ciderDScores(pairs);
  let next = 0;
  return records.map(({ image, captions }) => {
    if (captions.length <= count) return { image, captions };
    const ranked = captions.map((_, index) => ({ index, score: scores[next++] }));
    ranked.sort((a, b) => b.score - a.score || a.index - b.index);
    const kept = new Set(ranked.slice(0, count).map(({ index }) => index));
    return { image, captions: captions.filter((_, index) => kept.has(index)) };
  });
}
