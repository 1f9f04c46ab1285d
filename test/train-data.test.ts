// Training on several data sets, lists of images, and how often an epoch has them.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import { openImageList, parseJsonLines } from '../src/captioner/data/image-list.ts';
import { drawEpoch, drawnImages } from '../src/captioner/training/epoch-order.ts';
import { FormatError } from '../src/kernels/op/errors.ts';
import { Random } from '../src/nn/random.ts';
import { TinyTraining } from './tiny-training.ts';

const formatError = (message: RegExp) => (error: unknown) =>
  error instanceof FormatError && message.test(error.message);
const folderOf = (files: Record<string, string>) => ({
  list: async () => Object.keys(files),
  read: async (name: string) => new TextEncoder().encode(files[name]),
});

test('an epoch has each image as often as its set weighs, the rest of it chosen anew', () => {
  const images = Array.from({ length: 14 }, (_, image) => image);
  const draws = [
    { images: 4, weight: 2 },
    { images: 10, weight: 0.5 },
  ];
  assert.is(drawnImages(draws), 13);
  const random = new Random(3);
  const epochs = [drawEpoch(images, draws, random), drawEpoch(images, draws, random)];
  const halves = epochs.map((epoch) => {
    assert.is(epoch.length, 13);
    for (const image of [0, 1, 2, 3]) assert.is(epoch.filter((one) => one === image).length, 2);
    const half = epoch.filter((image) => image >= 4).sort((a, b) => a - b);
    assert.is(new Set(half).size, 5);
    return half.join();
  });
  assert.not.equal(halves[0], halves[1]);
});

test('where all sets weigh 1, an epoch is a plain shuffle', () => {
  const images = Array.from({ length: 9 }, (_, image) => image);
  const draws = [
    { images: 4, weight: 1 },
    { images: 5, weight: 1 },
  ];
  assert.equal(drawEpoch(images, draws, new Random(7)), new Random(7).shuffle([...images]));
});

test('JSON lines', () => {
  const text =
    '{"image": "a.jpg", "caption": "one"}\n\n{"image": "b.jpg", "captions": ["two", "three"]}\n{"image": "a.jpg", "caption": "four"}\n';
  assert.equal(parseJsonLines(text, 'list.jsonl'), [
    { image: 'a.jpg', captions: ['one', 'four'] },
    { image: 'b.jpg', captions: ['two', 'three'] },
  ]);
  for (const line of [
    '{"image": "a.jpg"}',
    '{"image": 3, "caption": "one"}',
    '{"image": "a.jpg", "captions": []}',
    'a.jpg',
  ]) {
    assert.throws(
      () => parseJsonLines(`\n${line}`, 'list.jsonl'),
      formatError(/^list.jsonl: line 2 is .*expected/),
    );
  }
});

test('a list names its images by path or, where that is clear, by name', async () => {
  const files = { 'x/1.jpg': '', 'y/1.jpg': '', 'y/2.jpg': '', 'z/3.jpg': '' };
  const open = (list: string, name = 'list.csv') => openImageList(folderOf({ ...files, [name]: list }), name);
  const set = await open('image,caption\nx/1.jpg,one\n./y/1.jpg,two\n2.jpg,three\n3.jpg,four\n4.jpg,five\n');
  assert.is(set.layout, 'csv');
  const all = [...set.train, ...set.dev, ...set.test].map(({ image }) => image).sort();
  assert.equal(all, ['x/1.jpg', 'y/1.jpg', 'y/2.jpg', 'z/3.jpg']);
  assert.equal(set.missing, ['4.jpg']);
  const errors: [string, RegExp][] = [
    ['image,caption\n1.jpg,one\n', /1.jpg may be x\/1.jpg or y\/1.jpg/],
    ['image,caption\n9.jpg,one\n', /of 1 that it names 1 have no file in its folder, first 9.jpg/],
    ['picture,text\n', /list.csv: its first line is "picture,text"/],
  ];
  for (const [list, message] of errors) {
    try {
      await open(list);
      assert.unreachable(list);
    } catch (error) {
      assert.ok(formatError(message)(error), String(error));
    }
  }
});

const training = suite('train-data');
let tiny: TinyTraining;

training.before(() => {
  tiny = new TinyTraining();
  const list = ['astronaut', 'cat', 'coffee', 'rocket'].map((name) =>
    JSON.stringify({ image: `Images/${name}.jpg`, captions: [`look at the ${name}`] }),
  );
  writeFileSync(tiny.at('data', 'list.jsonl'), list.join('\n'));
});

training.after(() => tiny.remove());

training('two sets, one of them a list, have a loss each, and their mean chooses', () => {
  const { status, stderr } = tiny.run(
    ...tiny.args('two', '--data', tiny.at('data', 'list.jsonl'), '--epochs', '2'),
    ...['--data-weight', '1', '--data-weight', '3', '--held-out', '0.2'],
  );
  assert.is(status, 0, stderr);
  // The list holds out one image for choosing and one for testing.
  assert.match(stderr, /6 images, 10 captions, .*choosing by 2 images/);
  for (const { devLoss, sets = [] } of tiny.metrics('two')) {
    assert.equal(
      sets.map(({ data }) => data),
      [tiny.at('data'), tiny.at('data', 'list.jsonl')],
    );
    assert.is(devLoss, (sets[0].devLoss + sets[1].devLoss) / 2);
    assert.ok(sets[0].devLoss !== sets[1].devLoss);
  }
});

training('weights that are not one for each set are refused, before and at --resume', () => {
  const few = tiny.run(...tiny.args('few', '--data', tiny.at('data'), '--data-weight', '2'));
  assert.is(few.status, 2, few.stderr);
  assert.match(few.stderr, /--data-weight is given 1 times for 2 data sets/);
});

training('what is missing is told with its folder', () => {
  mkdirSync(tiny.at('away'));
  const [from, to] = [tiny.at('data', 'Images', 'cat.jpg'), tiny.at('away', 'cat.jpg')];
  renameSync(from, to);
  const { stderr } = tiny.run(...tiny.args('missing', '--epochs', '1'));
  renameSync(to, from);
  assert.ok(
    stderr.includes(`1 images have no file or no caption, first ${join(tiny.at('data'), 'cat.jpg')}`),
    stderr,
  );
});

test.run();
training.run();
