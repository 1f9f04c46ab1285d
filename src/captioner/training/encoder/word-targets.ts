import type { CaptionedImage } from '../../data/captioned-image.ts';
import { tokenizeForScoring } from '../../metrics/tokenize.ts';

/**
 * What an encoder learns to tell of an image: of each of the commonest words, the share of the image's captions that
 * have it. A share, since what one person in five names is half seen (Fang et al. 2015, arXiv 1411.4952, who take
 * whether any caption has the word).
 */
export class WordTargets {
  /** The words, falling by the number of captions that have them, equals in the order of the alphabet. */
  readonly words: readonly string[];
  readonly #positions: ReadonlyMap<string, number>;

  constructor(words: readonly string[]) {
    this.words = words;
    this.#positions = new Map(words.map((word, position) => [word, position]));
  }

  /** The `count` commonest words of some images' captions; fewer where there are no more. */
  static commonest(records: readonly CaptionedImage[], count: number): WordTargets {
    const captionsWith = new Map<string, number>();
    for (const { captions } of records) {
      for (const caption of captions) {
        for (const word of new Set(tokenizeForScoring(caption))) {
          captionsWith.set(word, (captionsWith.get(word) ?? 0) + 1);
        }
      }
    }
    const ranked = [...captionsWith].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
    return new WordTargets(ranked.slice(0, count).map(([word]) => word));
  }

  /** The shares [images, words], row by row. */
  rows(records: readonly CaptionedImage[]): Float32Array<ArrayBuffer> {
    const width = this.words.length;
    const rows = new Float32Array(records.length * width);
    for (const [image, { captions }] of records.entries()) {
      for (const caption of captions) {
        for (const word of new Set(tokenizeForScoring(caption))) {
          const position = this.#positions.get(word);
          if (position !== undefined) rows[image * width + position] += 1 / captions.length;
        }
      }
    }
    return rows;
  }
}
