/** Curly quotes and long dashes as ASCII writes them. */
const ascii: readonly (readonly [RegExp, string])[] = [
  [/[\u2018\u2019\u201a\u201b]/g, "'"],
  [/[\u201c\u201d\u201e\u201f]/g, '"'],
  [/\u2013/g, '-'],
  [/[\u2014\u2015]/g, '--'],
  [/\u2026/g, '...'],
];

/**
 * Spaces around what is a token of its own: the ellipsis and the double dash; `.` and `,` unless between two digits;
 * `&` and `/` unless inside a word; every other mark of punctuation. The hyphen inside a word stays.
 */
const marks =
  /\.{3}|--|(?<!\d)[.,]|[.,](?!\d)|(?<![\p{L}\p{N}])[&/]|[&/](?![\p{L}\p{N}])|[?!:;"()[\]{}*#@%$=+<>_~^|\\`]/gu;

const clitic = /(?:n't|'s|'re|'ve|'ll|'d|'m)$/;

/** What the reference scorers leave out, and a lone apostrophe or hyphen. */
const punctuation = /^(?:[.,?!:;"()[\]{}`'-]|--|\.\.\.)$/;

/** A word without the apostrophes at its ends, its clitic, if any, on its own; a clitic alone ("dog 's") stays whole. */
function splitWord(word: string): string[] {
  const found = clitic.exec(word);
  const stem = found ? word.slice(0, found.index) : word;
  const bare = stem.replace(/^'+|'+$/g, '');
  const parts = bare === '' ? [] : [bare];
  return found ? [...parts, found[0]] : parts;
}

/**
 * Words of a sentence for scoring, close to the Penn Treebank tokeniser that the COCO caption evaluation uses
 * (Chen et al. 2015, arXiv:1504.00325, section 3.1): lower case, contractions split ("isn't" is "is", "n't"), and
 * punctuation left out as there. Symbols that stand for words ("&", "%", "$") are words.
 */
export function tokenizeForScoring(sentence: string): string[] {
  let text = sentence.toLowerCase();
  for (const [pattern, replacement] of ascii) text = text.replace(pattern, replacement);
  return text
    .replace(marks, ' $& ')
    .split(/\s+/)
    .filter((word) => word !== '' && !punctuation.test(word))
    .flatMap(splitWord);
}
