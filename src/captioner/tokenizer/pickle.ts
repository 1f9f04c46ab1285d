import { BufferReader, Parser } from 'pickleparser';
import { FormatError } from '../../kernels/op/errors.ts';
import { Tokenizer } from './tokenizer.ts';

/** The modules that the one Tokenizer class has lived in, from Keras 2.0 to Keras 3. */
const tokenizerModules = [
  'keras_preprocessing.text',
  'keras.preprocessing.text',
  'keras.src.preprocessing.text',
  'keras.src.legacy.preprocessing.text',
  'tensorflow.python.keras.preprocessing.text',
  'tensorflow.keras.preprocessing.text',
];

/** What an allowed name stands for: called with `new` or without, it must give an inert value. */
type Stand = (() => unknown) | (new () => unknown);

/**
 * The only names that a pickle may use, each with a harmless stand-in. They are made anew for every file, because a
 * pickle can write attributes onto what it named.
 */
function allowedNames(): Map<string, Stand> {
  class PickledTokenizer {
    attributes: unknown;
    // The unpickler hands an object's attributes over under this name.
    __setstate__(state: unknown): void {
      this.attributes = state;
    }
  }
  const dictionary = () =>
    function dictionaryStand() {
      return new Map<unknown, unknown>();
    };
  // Only named, as the default of a defaultdict.
  function integer(): never {
    throw new FormatError('it calls int, which a tokenizer does not do');
  }
  return new Map<string, Stand>([
    ...tokenizerModules.map((module): [string, Stand] => [`${module}.Tokenizer`, PickledTokenizer]),
    ['collections.OrderedDict', dictionary()],
    ['collections.defaultdict', dictionary()],
    ['builtins.int', integer],
    // The same class as Python 2, and pickle protocol 2 or lower, spell it.
    ['__builtin__.int', integer],
    ['__builtin__.long', integer],
  ]);
}

/** Reads forward only (a negative length would send the parser round in circles), and only valid UTF-8. */
class ForwardReader extends BufferReader {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  override skip(offset: number): void {
    if (!(offset >= 0)) throw new FormatError(`a length in it is ${offset}`);
    super.skip(offset);
  }
  override string(size: number): string {
    return this.decoder.decode(this.bytes(size));
  }
}

function unpickle(bytes: Uint8Array): unknown {
  const allowed = allowedNames();
  const resolve = (module: string, name: string): Stand => {
    const stand = allowed.get(`${module}.${name}`);
    if (stand !== undefined) return stand;
    throw new FormatError(
      `it names ${module}.${name}; only a Keras Tokenizer, OrderedDict, defaultdict and int are read, and nothing was run`,
    );
  };
  const parser = new Parser({ nameResolver: { resolve }, unpicklingTypeOfDictionary: 'Map' });
  try {
    return parser.read<unknown>(new ForwardReader(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(`Tokenizer pickle refused: ${reason}.`, { cause: error });
  }
}

function attributesOf(pickled: unknown): Map<unknown, unknown> {
  if (typeof pickled === 'object' && pickled !== null && 'attributes' in pickled) {
    if (pickled.attributes instanceof Map) return pickled.attributes;
  }
  throw new FormatError('Tokenizer pickle: expected one pickled Keras Tokenizer, found another value.');
}

/** `word_index` as a list: the word of id p + 1 at position p. */
function wordList(wordIndex: unknown): string[] {
  if (!(wordIndex instanceof Map)) throw new FormatError('Tokenizer pickle: word_index is not a dictionary.');
  const words = new Array<string>(wordIndex.size);
  const seen = new Set<number>();
  for (const [word, id] of wordIndex) {
    const fits = Number.isInteger(id) && id >= 1 && id <= words.length && !seen.has(id);
    if (typeof word !== 'string' || !fits) {
      throw new FormatError(
        `Tokenizer pickle: word_index gives ${JSON.stringify(String(word))} the id ${String(id)}; ` +
          `expected words with the ids 1 to ${words.length}, each once.`,
      );
    }
    seen.add(id);
    words[id - 1] = word;
  }
  return words;
}

/**
 * Reads a pickled Keras `Tokenizer` (the original's `tokenizer.pickle`; protocols 2 to 5). A pickle is a program for a
 * small stack machine that may call any Python function it names; here it can only name the classes such a tokenizer
 * is made of, and those are replaced by inert values. The words `<sos>` and `<eos>` must be in it.
 * @throws FormatError if it names anything else, is damaged, or holds a tokenizer of characters or without `oov_token`.
 */
export function readTokenizerPickle(bytes: Uint8Array): Tokenizer {
  const attributes = attributesOf(unpickle(bytes));
  const refuse = (name: string, expected: string): never => {
    throw new FormatError(
      `Tokenizer pickle: ${name} is ${String(attributes.get(name))}; expected ${expected}.`,
    );
  };
  const text = (name: string): string => {
    const value = attributes.get(name);
    return typeof value === 'string' ? value : refuse(name, 'text');
  };
  const lower = attributes.get('lower');
  const numWords = attributes.get('num_words') ?? undefined;
  if (typeof lower !== 'boolean') return refuse('lower', 'True or False');
  if (numWords !== undefined && typeof numWords !== 'number') return refuse('num_words', 'a number or None');
  if (attributes.get('char_level') === true) return refuse('char_level', 'False: words, not characters');
  if (text('split') === '') return refuse('split', 'at least one character');
  return new Tokenizer({
    filters: text('filters'),
    split: text('split'),
    lower,
    numWords,
    unknownWord: text('oov_token'),
    startWord: '<sos>',
    endWord: '<eos>',
    words: wordList(attributes.get('word_index')),
  });
}
