import { FormatError } from '../../kernels/op/errors.ts';
import { defaultSplitting, type WordSplitting, wordSequence } from './word-sequence.ts';

/** What a tokenizer is made of. The word at position p of `words` has id p + 1; id 0 is padding. */
export interface TokenizerSpecification extends WordSplitting {
  words: readonly string[];
  /**
   * Keras's limit: `encode` gives ids below it, every later word becomes the unknown word, and layers have
   * `numWords + 1` outputs. Undefined: every word has its id.
   */
  numWords?: number;
  unknownWord: string;
  startWord: string;
  endWord: string;
}

/** Settings of `Tokenizer.fit`. */
export interface FitOptions extends Partial<WordSplitting> {
  /** Words seen less often than this become the unknown word. Default 1. */
  minimumCount?: number;
  /** Ids stay below this number: the commonest words are kept. Default: no limit. */
  numWords?: number;
  unknownWord?: string;
  startWord?: string;
  endWord?: string;
}

const formatName = 'ekphrasis-tokenizer';
const formatVersion = 1;

/**
 * Words to ids and back, with the meaning of Keras's `keras_preprocessing.text.Tokenizer`, so that models trained with
 * one keep their vocabulary: ids 1 unknown, 2 start, 3 end in a tokenizer that `fit` made (a foreign one may place them
 * elsewhere), then words by falling count; 0 is padding and never a word.
 */
export class Tokenizer {
  /** Number of logits a decoder over this vocabulary has; ids are below it. */
  readonly size: number;
  readonly unknownId: number;
  readonly startId: number;
  readonly endId: number;
  private readonly specification: TokenizerSpecification;
  private readonly ids: ReadonlyMap<string, number>;

  /** @throws FormatError if a special word is missing or beyond `numWords`, or a word is empty or there twice. */
  constructor(specification: TokenizerSpecification) {
    const { numWords } = specification;
    if (numWords !== undefined && !(Number.isSafeInteger(numWords) && numWords > 0)) {
      throw new FormatError(`Tokenizer: numWords is ${numWords}; expected a whole number above 0.`);
    }
    this.size = (numWords ?? specification.words.length) + 1;
    const words = specification.words.slice(0, this.size - 1);
    this.specification = { ...specification, words };
    this.ids = new Map(words.map((word, position) => [word, position + 1]));
    if (this.ids.has('') || this.ids.size !== words.length) {
      throw new FormatError('Tokenizer: its word list holds an empty word, or one word twice.');
    }
    this.unknownId = this.specialId(specification.unknownWord, 'unknown');
    this.startId = this.specialId(specification.startWord, 'start');
    this.endId = this.specialId(specification.endWord, 'end');
  }

  /**
   * Learns a vocabulary. Captions come without start and end words: those and the unknown word always get ids 1 to 3,
   * which are the ids Keras gives them when every caption is wrapped. Other words follow by falling count, equal
   * counts in order of first appearance.
   */
  static fit(captions: Iterable<string>, options: FitOptions = {}): Tokenizer {
    const { minimumCount = 1, numWords = Number.POSITIVE_INFINITY } = options;
    const { unknownWord = '<unk>', startWord = '<sos>', endWord = '<eos>' } = options;
    const {
      filters = defaultSplitting.filters,
      split = defaultSplitting.split,
      lower = defaultSplitting.lower,
    } = options;
    const special = [unknownWord, startWord, endWord];
    const counts = new Map<string, number>();
    for (const caption of captions) {
      for (const word of wordSequence(caption, { filters, split, lower })) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
      }
    }
    for (const word of special) counts.delete(word);
    const kept = [...counts].filter(([, count]) => count >= minimumCount);
    kept.sort(([, a], [, b]) => b - a);
    const words = [...special, ...kept.map(([word]) => word)].slice(
      0,
      Math.max(special.length, numWords - 1),
    );
    return new Tokenizer({ words, filters, split, lower, unknownWord, startWord, endWord });
  }

  /** The ids of a text's words; with `wrapped`, between the start and the end id. Nothing is padded or cut. */
  encode(text: string, { wrapped = false } = {}): number[] {
    const limit = this.specification.numWords ?? this.size;
    const ids = wordSequence(text, this.specification).map((word) => {
      const id = this.ids.get(word);
      return id === undefined || id >= limit ? this.unknownId : id;
    });
    return wrapped ? [this.startId, ...ids, this.endId] : ids;
  }

  /**
   * The words of ids, joined by one blank: padding and the start id are skipped, and the end id ends the text.
   * @throws FormatError for an id that is not a whole number below `size`.
   */
  decode(ids: Iterable<number>): string {
    const words: string[] = [];
    for (const id of ids) {
      if (id === this.endId) break;
      if (id !== 0 && id !== this.startId) words.push(this.word(id));
    }
    return words.join(' ');
  }

  /** The word of one id; the unknown word for padding and for a logit that has no word. Errors as `decode`. */
  word(id: number): string {
    if (!(Number.isInteger(id) && id >= 0 && id < this.size)) {
      throw new FormatError(
        `Tokenizer: id ${id} is not one of its ${this.size} ids; the model and this tokenizer do not belong together.`,
      );
    }
    return this.specification.words[id - 1] ?? this.specification.unknownWord;
  }

  /** The content of `tokenizer.json`: the specification's fields (`numWords` null if there is none), format and version. */
  toJSON(): Record<string, unknown> {
    const { filters, split, lower, numWords, unknownWord, startWord, endWord, words } = this.specification;
    return {
      format: formatName,
      version: formatVersion,
      filters,
      split,
      lower,
      numWords: numWords ?? null,
      unknownWord,
      startWord,
      endWord,
      words,
    };
  }

  /**
   * Reads what `toJSON` gave.
   * @throws FormatError naming the field that is missing or of another type.
   */
  static fromJSON(value: unknown): Tokenizer {
    const json = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
    if (json.get('format') !== formatName || json.get('version') !== formatVersion) {
      throw new FormatError(
        `tokenizer.json: expected format "${formatName}" version ${formatVersion}, ` +
          `but found ${JSON.stringify(json.get('format'))} version ${JSON.stringify(json.get('version'))}.`,
      );
    }
    const text = (name: string): string => {
      const field = json.get(name);
      if (typeof field === 'string') return field;
      throw new FormatError(`tokenizer.json: "${name}" is missing or is not text.`);
    };
    const lower = json.get('lower');
    if (typeof lower !== 'boolean') throw new FormatError('tokenizer.json: "lower" is not true or false.');
    const numWords = json.get('numWords');
    if (numWords !== null && typeof numWords !== 'number') {
      throw new FormatError('tokenizer.json: "numWords" is neither a number nor null.');
    }
    const words: unknown = json.get('words');
    if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) {
      throw new FormatError('tokenizer.json: "words" is not a list of texts.');
    }
    return new Tokenizer({
      filters: text('filters'),
      split: text('split'),
      lower,
      numWords: numWords ?? undefined,
      unknownWord: text('unknownWord'),
      startWord: text('startWord'),
      endWord: text('endWord'),
      words,
    });
  }

  private specialId(word: string, role: string): number {
    const id = this.ids.get(word);
    if (id !== undefined && id < (this.specification.numWords ?? this.size)) return id;
    throw new FormatError(
      `Tokenizer: its ${role} word ${JSON.stringify(word)} is not among the ${this.ids.size} words; ` +
        'a captioner needs one for unknown words, for the start and for the end.',
    );
  }
}
