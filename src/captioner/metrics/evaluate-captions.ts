import { FormatError } from '../../kernels/op/errors.ts';
import { bleu } from './bleu.ts';
import { ciderD } from './cider.ts';
import type { ScoredPair } from './ngrams.ts';
import { rougeL } from './rouge.ts';
import { tokenizeForScoring } from './tokenize.ts';

/** Scores of a set of captions. BLEU and ROUGE-L from 0 to 1; CIDEr-D from 0 to 10, 1.0 being 100 in tables. */
export interface CaptionScores {
  images: number;
  'BLEU-1': number;
  'BLEU-2': number;
  'BLEU-3': number;
  'BLEU-4': number;
  'ROUGE-L': number;
  CIDEr: number;
  /** Words a caption, after the scorers' tokeniser. */
  meanLength: number;
  /** Different captions, after the scorers' tokeniser. */
  distinctCaptions: number;
  /** Captions without a word. */
  emptyCaptions: number;
}

/**
 * Scores captions as the COCO caption evaluation does (Chen et al. 2015, arXiv:1504.00325).
 * @param candidates one caption an image
 * @param references the sentences people wrote for each image; images that have no candidate must not be in it
 * @throws FormatError if there is no caption, or an image has a caption but no reference, or the other way round.
 */
export function evaluateCaptions(
  candidates: ReadonlyMap<string, string>,
  references: ReadonlyMap<string, readonly string[]>,
): CaptionScores {
  const pairs = scoredPairs(candidates, references);
  const [bleu1, bleu2, bleu3, bleu4] = bleu(pairs);
  return {
    images: pairs.length,
    'BLEU-1': bleu1,
    'BLEU-2': bleu2,
    'BLEU-3': bleu3,
    'BLEU-4': bleu4,
    'ROUGE-L': rougeL(pairs),
    CIDEr: ciderD(pairs),
    meanLength: pairs.reduce((sum, { candidate }) => sum + candidate.length, 0) / pairs.length,
    distinctCaptions: new Set(pairs.map(({ candidate }) => candidate.join(' '))).size,
    emptyCaptions: pairs.filter(({ candidate }) => candidate.length === 0).length,
  };
}

/** Captions and references as words, in the captions' order. @throws FormatError as {@link evaluateCaptions}. */
export function scoredPairs(
  candidates: ReadonlyMap<string, string>,
  references: ReadonlyMap<string, readonly string[]>,
): ScoredPair[] {
  if (candidates.size === 0) throw new FormatError('Evaluation: there is no caption to score.');
  for (const image of references.keys()) {
    if (!candidates.has(image)) throw new FormatError(`Evaluation: ${image} has references but no caption.`);
  }
  return [...candidates].map(([image, caption]): ScoredPair => {
    const sentences = references.get(image) ?? [];
    if (sentences.length === 0) throw new FormatError(`Evaluation: ${image} has a caption but no reference.`);
    return { candidate: tokenizeForScoring(caption), references: sentences.map(tokenizeForScoring) };
  });
}
