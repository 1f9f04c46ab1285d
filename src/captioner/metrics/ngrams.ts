/** How often each run of `n` words occurs. Keys are the words joined by a blank, which no token holds. */
export function countNgrams(words: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + n <= words.length; start++) {
    const ngram = words.slice(start, start + n).join(' ');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** One caption to score and what people wrote for the same image, as words. */
export interface ScoredPair {
  candidate: readonly string[];
  references: readonly (readonly string[])[];
}
