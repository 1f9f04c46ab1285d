/** How a caption becomes words; the three settings that Keras's text tokenizer has. */
export interface WordSplitting {
  /** Characters that never are part of a word; each counts as one `split`. */
  filters: string;
  /** What stands between words. */
  split: string;
  /** Whether words are lower-cased, before filtering. */
  lower: boolean;
}

/**
 * Keras's default filter: ASCII punctuation without the apostrophe, tab and line feed (documentation of
 * `tf.keras.preprocessing.text.Tokenizer`).
 */
export const defaultSplitting: WordSplitting = {
  filters: '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n',
  split: ' ',
  lower: true,
};

/**
 * The words of a text as Keras's `text_to_word_sequence` finds them: lower-case, replace every filtered character by
 * the separator, cut at separators, drop what is empty. Nothing else is white space: with the separator " " a line
 * feed that is not filtered stays part of its word.
 */
export function wordSequence(text: string, { filters, split, lower }: WordSplitting): string[] {
  const filtered = new Set(filters);
  let spaced = '';
  for (const character of lower ? text.toLowerCase() : text) {
    spaced += filtered.has(character) ? split : character;
  }
  return spaced.split(split).filter((word) => word !== '');
}
