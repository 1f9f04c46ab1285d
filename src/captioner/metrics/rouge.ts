import type { ScoredPair } from './ngrams.ts';

/** Weight of recall against precision, as in the COCO caption evaluation. */
const beta = 1.2;

/** Length of the longest common subsequence, by rows of the usual table. */
function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  const row = new Uint32Array(b.length + 1);
  for (const word of a) {
    let diagonal = 0;
    for (let column = 1; column <= b.length; column++) {
      const above = row[column];
      row[column] = word === b[column - 1] ? diagonal + 1 : Math.max(above, row[column - 1]);
      diagonal = above;
    }
  }
  return row[b.length];
}

/**
 * ROUGE-L (Lin 2004, "ROUGE: a package for automatic evaluation of summaries", section 3): F-measure of the longest
 * common subsequence, averaged over the corpus. As in the COCO caption evaluation, precision and recall are each that
 * of the best reference, not necessarily the same. Each pair needs at least one reference.
 * @returns from 0 to 1
 */
export function rougeL(pairs: readonly ScoredPair[]): number {
  let total = 0;
  for (const { candidate, references } of pairs) {
    const scores = references.map((reference) => {
      const common = commonSubsequence(candidate, reference);
      return { precision: common / (candidate.length || 1), recall: common / (reference.length || 1) };
    });
    const precision = Math.max(...scores.map((score) => score.precision));
    const recall = Math.max(...scores.map((score) => score.recall));
    if (precision > 0) total += ((1 + beta ** 2) * precision * recall) / (recall + beta ** 2 * precision);
  }
  return total / pairs.length;
}
