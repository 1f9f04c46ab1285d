import { countNgrams, type ScoredPair } from './ngrams.ts';

/** Length of the reference closest to the candidate's; of two equally close, the shorter. */
function closestLength({ candidate, references }: ScoredPair): number {
  const lengths = references.map((reference) => reference.length);
  const distance = (length: number) => Math.abs(length - candidate.length);
  return lengths.reduce((best, length) => {
    const nearer = distance(length) - distance(best);
    return nearer < 0 || (nearer === 0 && length < best) ? length : best;
  });
}

/** n-grams of the candidate that a reference holds, each counted at most as often as in the reference with most. */
function clippedMatches({ candidate, references }: ScoredPair, n: number): number {
  const inReferences = references.map((reference) => countNgrams(reference, n));
  let matches = 0;
  for (const [ngram, count] of countNgrams(candidate, n)) {
    matches += Math.min(count, Math.max(...inReferences.map((counts) => counts.get(ngram) ?? 0)));
  }
  return matches;
}

/**
 * What the published scorer of the COCO caption evaluation adds to the counts above and below the line of a ratio
 * (`bleu_scorer.py`): a sentence without a matching 4-gram does not score 0 but a little more.
 */
const tiny = 1e-15;
const small = 1e-9;

/**
 * Corpus BLEU-1 to BLEU-4 (Papineni, Roukos, Ward and Zhu 2002, "BLEU: a method for automatic evaluation of machine
 * translation"), as the COCO caption evaluation computes it: the geometric mean of clipped n-gram precisions over the whole
 * corpus, times exp(1 - r / c) where the candidates' total length c is below r, the total of the closest reference lengths.
 * Each pair needs at least one reference.
 * @returns four numbers from 0 to 1, at position n - 1 that of n-grams up to n
 */
export function bleu(pairs: readonly ScoredPair[]): number[] {
  const candidateLength = pairs.reduce((sum, { candidate }) => sum + candidate.length, 0);
  const referenceLength = pairs.reduce((sum, pair) => sum + closestLength(pair), 0);
  const ratio = (candidateLength + tiny) / (referenceLength + small);
  const brevity = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  return [1, 2, 3, 4].map((n) => {
    const possible = pairs.reduce((sum, { candidate }) => sum + Math.max(0, candidate.length - n + 1), 0);
    const matches = pairs.reduce((sum, pair) => sum + clippedMatches(pair, n), 0);
    product *= (matches + tiny) / (possible + small);
    return brevity * product ** (1 / n);
  });
}
