import { existsSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bleu } from '../src/captioner/metrics/bleu.ts';
import { ciderD } from '../src/captioner/metrics/cider.ts';
import { evaluateCaptions } from '../src/captioner/metrics/evaluate-captions.ts';
import { rougeL } from '../src/captioner/metrics/rouge.ts';
import { tokenizeForScoring } from '../src/captioner/metrics/tokenize.ts';
import { FormatError } from '../src/kernels/op/errors.ts';

const pair = (candidate: string, ...references: string[]) => ({
  candidate: candidate.split(' '),
  references: references.map((reference) => reference.split(' ')),
});
function close(actual: number, expected: number, what = ''): void {
  assert.ok(Math.abs(actual - expected) <= 1e-12, `${what} ${actual}, expected ${expected}`);
}
const formatError = (message: RegExp) => (error: unknown) =>
  error instanceof FormatError && message.test(error.message);

test('words for scoring', () => {
  const cases: [string, string[]][] = [
    ['A dog, running .', ['a', 'dog', 'running']],
    ['Cross-country -- T-shirt - ok...', ['cross-country', 't-shirt', 'ok']],
    ["It isn't Tom's; they've", ['it', 'is', "n't", 'tom', "'s", 'they', "'ve"]],
    ["a dog 's paws", ['a', 'dog', "'s", 'paws']],
    ['3.5 of 1,000, 2.', ['3.5', 'of', '1,000', '2']],
    ['R&B and/or b & w', ['r&b', 'and/or', 'b', '&', 'w']],
    ["'quoted' “Curly’s” (red)[x]", ['quoted', 'curly', "'s", 'red', 'x']],
    ["the dogs' ball\t\n ' ", ['the', 'dogs', 'ball']],
    ['', []],
    ['. , !', []],
  ];
  for (const [sentence, words] of cases) assert.equal(tokenizeForScoring(sentence), words, sentence);
});

test('BLEU clips counts (the example of Papineni et al., section 2.1)', () => {
  const [one, two] = bleu([
    pair('the the the the the the the', 'the cat is on the mat', 'there is a cat on the mat'),
  ]);
  close(one, 2 / 7);
  close(two, 0);
});

test('BLEU is the geometric mean with a penalty for brevity', () => {
  // Unigrams 4 of 5, bigrams 2 of 4, trigrams 1 of 3, none of 2; length 5 against 6.
  const scores = bleu([pair('a b c x e', 'a b c d e f')]);
  const brevity = Math.exp(1 - 6 / 5);
  close(scores[0], brevity * (4 / 5));
  close(scores[1], brevity * Math.sqrt((4 / 5) * (2 / 4)));
  close(scores[2], brevity * Math.cbrt((4 / 5) * (2 / 4) * (1 / 3)));
  close(scores[3], 0);
});

test('BLEU sums over the corpus; of equally close references the shorter counts', () => {
  // 4 words against 3 or 5: no penalty. The second pair brings the lengths to 6 against 3 + 4.
  close(bleu([pair('a b c d', 'a b c', 'a b c d e')])[0], 1);
  close(
    bleu([pair('a b c d', 'a b c', 'a b c d e'), pair('x y', 'x z z z')])[0],
    Math.exp(1 - 7 / 6) * (5 / 6),
  );
});

test('BLEU of nothing is 0', () => {
  const empty = { candidate: [], references: [['a', 'b']] };
  assert.equal(bleu([empty]), [0, 0, 0, 0]);
});

test('ROUGE-L (the examples of Lin, section 3.1, and unequal lengths)', () => {
  close(rougeL([pair('police kill the gunman', 'police killed the gunman')]), 3 / 4);
  close(rougeL([pair('the gunman kill police', 'police killed the gunman')]), 2 / 4);
  // Precision 1, recall 1/2.
  const f = ((1 + 1.44) * 1 * 0.5) / (0.5 + 1.44 * 1);
  close(rougeL([pair('a c', 'a b c d')]), f);
  close(rougeL([pair('a c', 'a b c d'), pair('x', 'y')]), f / 2);
  // Precision from the second reference, recall from the first.
  close(rougeL([pair('a c', 'a', 'a c x y')]), 1);
  close(rougeL([{ candidate: [], references: [['a']] }]), 0);
});

test('CIDEr-D from its formula', () => {
  // Two images: every n-gram held by one of them weighs log 2, and by both 0.
  close(ciderD([pair('a b', 'a b'), pair('c d', 'c d')]), (10 * 2) / 4);
  close(ciderD([pair('a', 'a b'), pair('a', 'a c')]), 0);
  // Weights in units of log 2. Unigrams: (2, 1) against (1, 1), clipped product 2. Bigrams: "a a" and "a b" against
  // "a b". Lengths differ by one.
  const cosines = 2 / (Math.sqrt(5) * Math.sqrt(2)) + 1 / Math.sqrt(2);
  const score = (10 * Math.exp(-1 / (2 * 36)) * cosines) / 4;
  close(ciderD([pair('a a b', 'a b'), pair('x', 'd e')]), score / 2);
  // A second reference without a common word halves it.
  close(ciderD([pair('a a b', 'a b', 'g h'), pair('x', 'd e')]), score / 4);
});

test('a single image has no rarity', () => {
  assert.is(ciderD([pair('a dog runs', 'a dog runs')]), 0);
});

test('counts beside the scores, and refusals', () => {
  const references = new Map([
    ['1', ['A dog runs.', 'Dog']],
    ['2', ['A cat.']],
    ['3', ['A cat.']],
  ]);
  const captions = new Map([
    ['1', 'a dog'],
    ['2', 'A dog .'],
    ['3', '.'],
  ]);
  const scores = evaluateCaptions(captions, references);
  assert.equal(
    [scores.images, scores.meanLength, scores.distinctCaptions, scores.emptyCaptions],
    [3, 4 / 3, 2, 1],
  );
  close(scores['BLEU-1'], Math.exp(1 - 5 / 4) * (3 / 4));
  assert.throws(() => evaluateCaptions(new Map(), references), formatError(/no caption to score/));
  assert.throws(
    () => evaluateCaptions(new Map([['1', 'x']]), references),
    formatError(/2 has references but no caption/),
  );
  assert.throws(
    () => evaluateCaptions(new Map([...captions, ['4', 'x']]), references),
    formatError(/4 has a caption but no reference/),
  );
});

const known = '../shared/data/metrics';
// Skipped where the data are missing.
(existsSync(known) ? test : test.skip)('the reference scorers give the same figures', () => {
  const read = (name: string) => JSON.parse(readFileSync(`${known}/${name}.json`, 'utf8'));
  const scores = evaluateCaptions(
    new Map(Object.entries<string>(read('candidates'))),
    new Map(Object.entries<string[]>(read('references'))),
  );
  const expected = read('expected');
  for (const name of ['BLEU-1', 'BLEU-2', 'BLEU-3', 'BLEU-4', 'ROUGE-L', 'CIDEr'] as const) {
    assert.ok(
      Math.abs(scores[name] - expected[name]) < 1e-9,
      `${name} ${scores[name]}, not ${expected[name]}`,
    );
  }
  close(scores.meanLength, expected.mean_length);
  assert.is(scores.distinctCaptions, expected.distinct_captions);
  assert.is(scores.emptyCaptions, expected.empty_captions);
  assert.is(scores.images, expected.images);
});

test.run();
