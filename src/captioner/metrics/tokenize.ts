import { ptbTokens } from './ptb-lexer.ts';

/** What the reference scorers leave out. They mean brackets too, but look for these in capitals, so that brackets stay. */
const punctuation = new Set([
  '.',
  '?',
  '!',
  ',',
  ':',
  ';',
  '-',
  '--',
  '...',
  "'",
  "''",
  '`',
  '``',
  "`'",
  '"',
]);

/**
 * Words of a sentence for scoring, as the COCO caption evaluation makes them (Chen et al. 2015, arXiv:1504.00325, section
 * 3.1): the tokens of the Penn Treebank tokenizer in lower case, without punctuation. Contractions are split ("isn't" is
 * "is", "n't"), abbreviations keep their full stop ("u.s."), and symbols are words ("&", "%", "#").
 */
export function tokenizeForScoring(sentence: string): string[] {
  return ptbTokens(sentence).filter((token) => !punctuation.has(token));
}
