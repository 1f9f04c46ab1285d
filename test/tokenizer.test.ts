import { existsSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTokenizerPickle } from '../src/captioner/tokenizer/pickle.ts';
import { Tokenizer } from '../src/captioner/tokenizer/tokenizer.ts';
import { wordSequence } from '../src/captioner/tokenizer/word-sequence.ts';
import { FormatError } from '../src/kernels/op/errors.ts';

/**
 * Pickles written by Python 3.11, where T is an empty class "Tokenizer" of a module "keras_preprocessing.text",
 * E one whose __reduce__ gives (os.system, ('touch /tmp/pwned',)), and t a T:
 * t.__dict__.update(word_counts=OrderedDict(dog=2, runs=1), word_docs=defaultdict(int, dog=2), filters='!.', split=' ',
 * lower=True, num_words=5, document_count=2, char_level=False, oov_token='<unk>', index_docs=defaultdict(int),
 * word_index={w: i + 1 for i, w in enumerate(['<unk>', '<sos>', '<eos>', 'dog', 'runs', 'café'])})
 */
const pickles = {
  // pickle.dumps(t, 4)
  tokenizer:
    'gASVZQEAAAAAAACMGGtlcmFzX3ByZXByb2Nlc3NpbmcudGV4dJSMCVRva2VuaXplcpSTlCmBlH2UKIwLd29yZF9jb3VudHOUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUKIwDZG9nlEsCjARydW5zlEsBdYwJd29yZF9kb2NzlGgGjAtkZWZhdWx0ZGljdJSTlIwIYnVpbHRpbnOUjANpbnSUk5SFlFKUaApLAnOMB2ZpbHRlcnOUjAIhLpSMBXNwbGl0lIwBIJSMBWxvd2VylIiMCW51bV93b3Jkc5RLBYwOZG9jdW1lbnRfY291bnSUSwKMCmNoYXJfbGV2ZWyUiYwJb292X3Rva2VulIwFPHVuaz6UjAppbmRleF9kb2NzlGgOaBGFlFKUjAp3b3JkX2luZGV4lH2UKGgdSwGMBTxzb3M+lEsCjAU8ZW9zPpRLA2gKSwRoC0sFjAVjYWbDqZRLBnV1Yi4=',
  // pickle.dumps(t, 2)
  protocol2:
    'gAJja2VyYXNfcHJlcHJvY2Vzc2luZy50ZXh0ClRva2VuaXplcgpxACmBcQF9cQIoWAsAAAB3b3JkX2NvdW50c3EDY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEEKVJxBShYAwAAAGRvZ3EGSwJYBAAAAHJ1bnNxB0sBdVgJAAAAd29yZF9kb2NzcQhjY29sbGVjdGlvbnMKZGVmYXVsdGRpY3QKcQljX19idWlsdGluX18KbG9uZwpxCoVxC1JxDGgGSwJzWAcAAABmaWx0ZXJzcQ1YAgAAACEucQ5YBQAAAHNwbGl0cQ9YAQAAACBxEFgFAAAAbG93ZXJxEYhYCQAAAG51bV93b3Jkc3ESSwVYDgAAAGRvY3VtZW50X2NvdW50cRNLAlgKAAAAY2hhcl9sZXZlbHEUiVgJAAAAb292X3Rva2VucRVYBQAAADx1bms+cRZYCgAAAGluZGV4X2RvY3NxF2gJaAqFcRhScRlYCgAAAHdvcmRfaW5kZXhxGn1xGyhoFksBWAUAAAA8c29zPnEcSwJYBQAAADxlb3M+cR1LA2gGSwRoB0sFWAUAAABjYWbDqXEeSwZ1dWIu',
  // pickle.dumps(E(), 4)
  command: 'gASVKwAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjBB0b3VjaCAvdG1wL3B3bmVklIWUUpQu',
  // t.word_counts = E(); pickle.dumps(t, 4)
  hiddenCommand:
    'gASVcAEAAAAAAACMGGtlcmFzX3ByZXByb2Nlc3NpbmcudGV4dJSMCVRva2VuaXplcpSTlCmBlH2UKIwLd29yZF9jb3VudHOUjAVwb3NpeJSMBnN5c3RlbZSTlIwQdG91Y2ggL3RtcC9wd25lZJSFlFKUjAl3b3JkX2RvY3OUjAtjb2xsZWN0aW9uc5SMC2RlZmF1bHRkaWN0lJOUjAhidWlsdGluc5SMA2ludJSTlIWUUpSMA2RvZ5RLAnOMB2ZpbHRlcnOUjAIhLpSMBXNwbGl0lIwBIJSMBWxvd2VylIiMCW51bV93b3Jkc5RLBYwOZG9jdW1lbnRfY291bnSUSwKMCmNoYXJfbGV2ZWyUiYwJb292X3Rva2VulIwFPHVuaz6UjAppbmRleF9kb2NzlGgPaBKFlFKUjAp3b3JkX2luZGV4lH2UKGgfSwGMBTxzb3M+lEsCjAU8ZW9zPpRLA2gVSwSMBHJ1bnOUSwWMBWNhZsOplEsGdXViLg==',
  // del t.word_counts; t.oov_token = None; pickle.dumps(t, 4)
  noUnknown:
    'gASVNwEAAAAAAACMGGtlcmFzX3ByZXByb2Nlc3NpbmcudGV4dJSMCVRva2VuaXplcpSTlCmBlH2UKIwJd29yZF9kb2NzlIwLY29sbGVjdGlvbnOUjAtkZWZhdWx0ZGljdJSTlIwIYnVpbHRpbnOUjANpbnSUk5SFlFKUjANkb2eUSwJzjAdmaWx0ZXJzlIwCIS6UjAVzcGxpdJSMASCUjAVsb3dlcpSIjAludW1fd29yZHOUSwWMDmRvY3VtZW50X2NvdW50lEsCjApjaGFyX2xldmVslImMCW9vdl90b2tlbpROjAppbmRleF9kb2NzlGgIaAuFlFKUjAp3b3JkX2luZGV4lH2UKIwFPHVuaz6USwGMBTxzb3M+lEsCjAU8ZW9zPpRLA2gOSwSMBHJ1bnOUSwWMBWNhZsOplEsGdXViLg==',
  // pickle.dumps({'a': 1}, 4)
  dictionary: 'gASVCgAAAAAAAAB9lIwBYZRLAXMu',
};
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const refused = (bytes: Uint8Array, message: RegExp) =>
  assert.throws(
    () => readTokenizerPickle(bytes),
    (error: unknown) => error instanceof FormatError && message.test(error.message),
  );

test('words are found as Keras finds them', () => {
  const seed = { filters: "!?,'()_-+=&*$#@.", split: ' ', lower: true };
  assert.equal(wordSequence("A dog's T-shirt, (red).", seed), ['a', 'dog', 's', 't', 'shirt', 'red']);
  // A line feed that is not filtered belongs to its word, as in the original's vocabulary.
  assert.equal(wordSequence('a day\n', seed), ['a', 'day\n']);
  assert.equal(wordSequence('A|B', { ...seed, split: '|', lower: false }), ['A', 'B']);
  assert.equal(wordSequence(' . ', seed), []);
});

test('ids follow falling count, then first appearance; rare words are unknown', () => {
  const captions = ['Zebra eats grass.', 'a dog eats grass', 'a dog, a bone'];
  const all = Tokenizer.fit(captions);
  assert.equal(
    [all.unknownId, all.startId, all.endId, ...all.encode('a eats grass dog zebra bone')],
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.is(all.size, 10);
  const common = Tokenizer.fit(captions, { minimumCount: 2 });
  assert.is(common.size, 8);
  assert.equal(common.encode('A zebra eats', { wrapped: true }), [2, 4, 1, 5, 3]);
  const few = Tokenizer.fit(captions, { numWords: 6 });
  assert.is(few.size, 6);
  assert.equal(few.encode('a eats grass'), [4, 5, 1]);
});

test('special words in a caption do not disturb their ids', () => {
  const tokenizer = Tokenizer.fit(['<eos> <eos> dog', '<sos> <unk>'], { filters: '.' });
  assert.equal(tokenizer.encode('<unk> <sos> <eos> dog'), [1, 2, 3, 4]);
});

test('decode stops at the end and skips padding and start', () => {
  const tokenizer = Tokenizer.fit(['dog runs']);
  assert.is(tokenizer.decode([2, 4, 5, 0, 3, 4]), 'dog runs');
  assert.is(tokenizer.decode([1, 4]), '<unk> dog');
  assert.is(tokenizer.decode([]), '');
  assert.throws(
    () => tokenizer.decode([6]),
    (error: unknown) => error instanceof FormatError,
  );
  assert.throws(
    () => tokenizer.decode([4.5]),
    (error: unknown) => error instanceof FormatError,
  );
});

test('JSON keeps everything', () => {
  const tokenizer = readTokenizerPickle(bytesOf(pickles.tokenizer));
  const copy = Tokenizer.fromJSON(JSON.parse(JSON.stringify(tokenizer)));
  assert.equal(copy.toJSON(), tokenizer.toJSON());
  assert.is(copy.size, 6);
  assert.equal(copy.encode('dog runs!'), tokenizer.encode('dog runs!'));
});

test('damaged JSON is refused, naming the field', () => {
  const whole = Tokenizer.fit(['dog runs']).toJSON();
  const cases: [unknown, RegExp][] = [
    [null, /format/],
    [{ ...whole, version: 9 }, /version 9/],
    [{ ...whole, filters: 3 }, /"filters"/],
    [{ ...whole, lower: 'yes' }, /"lower"/],
    [{ ...whole, numWords: '5' }, /"numWords"/],
    [{ ...whole, numWords: -1 }, /numWords/],
    [{ ...whole, words: ['<unk>', 4] }, /"words"/],
    [{ ...whole, words: ['<unk>', '<sos>', '<eos>', 'dog', 'dog'] }, /twice/],
    [{ ...whole, words: ['<unk>', '<sos>', 'dog'] }, /end word/],
  ];
  for (const [value, message] of cases) {
    assert.throws(
      () => Tokenizer.fromJSON(value),
      (error: unknown) => error instanceof FormatError && message.test(error.message),
      String(message),
    );
  }
});

test('a pickled Keras tokenizer keeps its words, limit and settings', () => {
  for (const pickle of [pickles.tokenizer, pickles.protocol2]) {
    const tokenizer = readTokenizerPickle(bytesOf(pickle));
    assert.is(tokenizer.size, 6);
    // num_words 5: ids 5 and 6 are never emitted, yet layers have a logit for 5, whose word stays readable.
    assert.equal(tokenizer.encode('DOG!runs café', { wrapped: true }), [2, 4, 1, 1, 3]);
    assert.is(tokenizer.decode([2, 4, 5, 3]), 'dog runs');
  }
});

test('a pickle that names anything else is refused and not run', () => {
  refused(bytesOf(pickles.command), /posix\.system/);
  refused(bytesOf(pickles.hiddenCommand), /posix\.system/);
  // cos\nsystem\n(S'x'\ntR. and a persistent id, by hand
  refused(new TextEncoder().encode("cos\nsystem\n(S'x'\ntR."), /os\.system/);
  refused(new TextEncoder().encode('Pname\n.'), /refused/);
  refused(new TextEncoder().encode('cbuiltins\nint\n)R.'), /calls int/);
  refused(new TextEncoder().encode('cbuiltins\neval\n.'), /builtins\.eval/);
});

test('a damaged or foreign pickle is refused', () => {
  const whole = bytesOf(pickles.tokenizer);
  refused(new Uint8Array(0), /refused/);
  refused(whole.subarray(0, 200), /refused/);
  refused(new TextEncoder().encode('{"format": "json"}'), /Tokenizer pickle/);
  refused(bytesOf(pickles.dictionary), /another value/);
  refused(bytesOf(pickles.noUnknown), /oov_token is null/);
  // BINBYTES of length -6 would step back onto itself for ever.
  refused(new Uint8Array([0x80, 3, 0x42, 0xfa, 0xff, 0xff, 0xff, 0x2e]), /length in it is -6/);
  // The last id, 6 of "café", replaced by 9.
  const gap = whole.slice();
  gap[gap.length - 5] = 9;
  refused(gap, /"café" the id 9/);
});

const seedFolder = process.env.EKPHRASIS_SEED ?? '../shared/seed';
// Skipped where the data are missing.
(existsSync(seedFolder) ? test : test.skip)('the original tokenizers load', () => {
  for (const [version, wordAtLimit] of [
    ['v1', 'compter'],
    ['v2', 'swiping'],
  ]) {
    const tokenizer = readTokenizerPickle(readFileSync(`${seedFolder}/tokenizer-${version}.pickle`));
    assert.equal([tokenizer.size, tokenizer.unknownId, tokenizer.startId, tokenizer.endId], [10001, 1, 2, 3]);
    assert.is(tokenizer.decode([4, 5, 6, 7, 8, 9, 10, 11, 12, 3]), 'on of in with and is man to a');
    assert.is(tokenizer.word(10000), wordAtLimit);
    assert.equal(tokenizer.encode(`man ${wordAtLimit} qqqq`), [10, 1, 1]);
  }
});

test.run();
