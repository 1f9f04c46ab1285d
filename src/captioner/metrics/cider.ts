import { countNgrams, type ScoredPair } from './ngrams.ts';

const orders = [1, 2, 3, 4] as const;

/** Standard deviation, in bigrams, of the penalty for another length than the reference's. */
const sigma = 6;

/** A sentence's n-grams weighted by frequency and rarity, for one n. */
interface Weighted {
  weights: Map<string, number>;
  norm: number;
}

function weigh(words: readonly string[], n: number, rarity: (ngram: string) => number): Weighted {
  const weights = countNgrams(words, n);
  let squares = 0;
  for (const [ngram, count] of weights) {
    const weight = count * rarity(ngram);
    weights.set(ngram, weight);
    squares += weight ** 2;
  }
  return { weights, norm: Math.sqrt(squares) };
}

/** Cosine where the candidate's weight counts at most as much as the reference's. */
function clippedCosine(candidate: Weighted, reference: Weighted): number {
  if (candidate.norm === 0 || reference.norm === 0) return 0;
  let product = 0;
  for (const [ngram, weight] of candidate.weights) {
    const wanted = reference.weights.get(ngram) ?? 0;
    product += Math.min(weight, wanted) * wanted;
  }
  return product / (candidate.norm * reference.norm);
}

/**
 * CIDEr-D (Vedantam, Zitnick and Parikh 2015, "CIDEr: consensus-based image description evaluation", section 6) of any
 * sentences against the references of a set of images, from which it learns how rare an n-gram is.
 *
 * A score is the mean over n = 1 to 4 and over references of clipped TF-IDF cosines, each times exp(-d² / 2σ²), d being the
 * difference in number of bigrams, as the published code counts lengths. Term frequencies are plain counts, since the cosine
 * does not see their scale. An n-gram's rarity is log(images / images whose references hold it): scores over different sets
 * of images do not compare, and over a single image all are 0.
 */
export class CiderScorer {
  readonly #references: readonly (readonly (readonly string[])[])[];
  /** For each order, by n-gram: the number of images whose references hold it. */
  readonly #imagesWith: readonly ReadonlyMap<string, number>[];

  /** `references`: of each image the sentences that people wrote, as words. */
  constructor(references: readonly (readonly (readonly string[])[])[]) {
    this.#references = references;
    this.#imagesWith = orders.map((n) => {
      const images = new Map<string, number>();
      for (const sentences of references) {
        const held = new Set(sentences.flatMap((sentence) => [...countNgrams(sentence, n).keys()]));
        for (const ngram of held) images.set(ngram, (images.get(ngram) ?? 0) + 1);
      }
      return images;
    });
  }

  /** The scores of sentences about the image of this number, each from 0 to 10; 1.0 is what tables print as 100. */
  scores(image: number, candidates: readonly (readonly string[])[]): number[] {
    const references = this.#references[image];
    const scores = candidates.map(() => 0);
    for (const [order, n] of orders.entries()) {
      const images = this.#imagesWith[order];
      const rarity = (ngram: string) => Math.log(this.#references.length / (images.get(ngram) ?? 1));
      const wanted = references.map((reference) => weigh(reference, n, rarity));
      for (const [index, candidate] of candidates.entries()) {
        const weighted = weigh(candidate, n, rarity);
        let sum = 0;
        for (const [number, reference] of references.entries()) {
          const difference = Math.max(0, candidate.length - 1) - Math.max(0, reference.length - 1);
          const penalty = Math.exp(-(difference ** 2) / (2 * sigma ** 2));
          sum += penalty * clippedCosine(weighted, wanted[number]);
        }
        scores[index] += (10 * sum) / (references.length * orders.length);
      }
    }
    return scores;
  }
}

/** CIDEr-D of each pair, the pairs' own references being the set; see {@link CiderScorer}. */
export function ciderDScores(pairs: readonly ScoredPair[]): number[] {
  const scorer = new CiderScorer(pairs.map(({ references }) => references));
  return pairs.map(({ candidate }, image) => scorer.scores(image, [candidate])[0]);
}

/** The mean of {@link ciderDScores}, the figure that is reported. */
export function ciderD(pairs: readonly ScoredPair[]): number {
  return ciderDScores(pairs).reduce((total, score) => total + score, 0) / pairs.length;
}
