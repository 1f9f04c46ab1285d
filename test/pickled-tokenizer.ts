/**
 * Writes what Python's `pickle.dumps(tokenizer, 4)` gives for a fitted `keras_preprocessing.text.Tokenizer`, without
 * memoising. Opcodes: CPython's Lib/pickletools.py.
 */
export interface PickledTokenizer {
  /** In the order of their ids, from 1; the first three should be the unknown, start and end words. */
  readonly words: readonly string[];
  readonly numWords: number;
}

export function pickleTokenizer({ words, numWords }: PickledTokenizer): Uint8Array {
  const bytes: number[] = [];
  const text = (value: string) => {
    const encoded = new TextEncoder().encode(value);
    bytes.push(0x58, ...littleEndian(encoded.length), ...encoded);
  };
  const integer = (value: number) => bytes.push(0x4a, ...littleEndian(value));
  const global = (module: string, name: string) => {
    text(module);
    text(name);
    bytes.push(0x93);
  };
  const items = (entries: Iterable<[string, () => void]>) => {
    bytes.push(0x28);
    for (const [key, value] of entries) {
      text(key);
      value();
    }
    bytes.push(0x75);
  };
  const dictionary = (entries: Iterable<[string, () => void]>) => {
    bytes.push(0x7d);
    items(entries);
  };
  const ordered = () => {
    global('collections', 'OrderedDict');
    bytes.push(0x29, 0x52);
  };
  const defaulting = () => {
    global('collections', 'defaultdict');
    global('builtins', 'int');
    bytes.push(0x85, 0x52);
  };
  const counts = words
    .slice(3)
    .map((word, i): [string, () => void] => [word, () => integer(words.length - i)]);
  bytes.push(0x80, 4);
  global('keras_preprocessing.text', 'Tokenizer');
  bytes.push(0x29, 0x81);
  dictionary([
    [
      'word_counts',
      () => {
        ordered();
        items(counts);
      },
    ],
    [
      'word_docs',
      () => {
        defaulting();
        items(counts);
      },
    ],
    ['filters', () => text("!?,'()_-+=&*$#@.")],
    ['split', () => text(' ')],
    ['lower', () => bytes.push(0x88)],
    ['num_words', () => integer(numWords)],
    ['document_count', () => integer(12)],
    ['char_level', () => bytes.push(0x89)],
    ['oov_token', () => text(words[0])],
    ['index_docs', defaulting],
    [
      'word_index',
      () => dictionary(words.map((word, i): [string, () => void] => [word, () => integer(i + 1)])),
    ],
  ]);
  bytes.push(0x62, 0x2e);
  return Uint8Array.from(bytes);
}

function littleEndian(value: number): number[] {
  return [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];
}
