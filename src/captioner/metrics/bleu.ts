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
 * Corpus BLEU-1 to BLEU-4 (Papineni, Roukos, Ward and Zhu 2002, "BLEU: a method for automatic evaluation of machine
 * translation"): the geometric mean of clipped n-gram precisions over the whole corpus, times exp(1 - r / c) where the
 * candidates' total length c is below r, the total of the closest reference lengths. No smoothing: without one matching
 * n-gram the score is 0. Each pair needs at least one reference.
 * @returns four numbers from 0 to 1, at position n - 1 that of n-grams up to n
 */
export function bleu(pairs: readonly ScoredPair[]): number[] {
  const candidateLength = pairs.reduce((sum, { candidate }) => sum + candidate.length, 0);
  const referenceLength = pairs.reduce((sum, pair) => sum + closestLength(pair), 0);
  const brevity = candidateLength < referenceLength ? Math.exp(1 - referenceLength / candidateLength) : 1;
  let product = 1;
  return [1, 2, 3, 4].map((n) => {
    const possible = pairs.reduce((sum, { candidate }) => sum + Math.max(0, candidate.length - n + 1), 0);
    const matches = pairs.reduce((sum, pair) => sum + clippedMatches(pair, n), 0);
    product *= possible > 0 ? matches / possible : 0;
    return brevity * product ** (1 / n);
  });
}
