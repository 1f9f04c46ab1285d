// Training on several data sets, lists of images, and how often an epoch has them.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import { hashOfData } from '../src/captioner/cli/training/data-hash.ts';
import { openImageList, parseJsonLines } from '../src/captioner/data/image-list.ts';
import { layOut, type TrainingImage } from '../src/captioner/training/batches.ts';
import { drawEpoch, drawnImages } from '../src/captioner/training/epoch-order.ts';
import { orderByLength } from '../src/captioner/training/length-batches.ts';
import { FormatError } from '../src/kernels/op/errors.ts';
import { Random } from '../src/nn/random.ts';
import { stripedImage } from './tiny-captioner.ts';
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

test('batches by length have every image once, and sentences of similar length', () => {
  const draw = new Random(5);
  const images = Array.from({ length: 1003 }, (_, features) => ({
    features,
    captions: [2, 1].map((part) => new Array(3 + draw.integer(20 / part)).fill(4)),
  }));
  const order = () => orderByLength(images, 10, new Random(8));
  const ordered = order();
  assert.equal(order(), ordered, 'the seed decides');
  const numbers = ordered.map(({ features }) => features);
  assert.equal(
    [...numbers].sort((a, b) => a - b),
    images.map(({ features }) => features),
  );
  const batchesOf = (list: readonly TrainingImage[]) =>
    Array.from({ length: 101 }, (_, batch) => layOut(list.slice(batch * 10, (batch + 1) * 10)));
  const steps = (list: readonly TrainingImage[]) =>
    batchesOf(list).reduce((sum, { active }) => sum + active.length, 0);
  // A batch of ten has on average the longest of ten sentences; one by length hardly more than a mean one.
  assert.ok(steps(ordered) < 0.75 * steps(images), `${steps(ordered)} steps, ${steps(images)} before`);
  assert.is(batchesOf(ordered)[100].images.length, 3, 'the smaller batch is the last');
  const lengths = batchesOf(ordered).map(({ active }) => active.length);
  assert.not.equal(
    lengths,
    [...lengths].sort((a, b) => a - b),
    'short and long batches come in any order',
  );
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

test('the hash of the data is that of what images hold, wherever they lie', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-hash-'));
  const hashOf = async (name: string, content: string) => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, '1.jpg'), content);
    const records = { dev: [], test: [], train: [{ image: '1.jpg', captions: ['one'] }], missing: [] };
    return hashOfData([{ path: name, folder: join(folder, name), set: { layout: 'csv', ...records } }]);
  };
  const first = await hashOf('first', 'abc');
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.is(await hashOf('copy', 'abc'), first);
  assert.is.not(await hashOf('replaced', 'abd'), first);
  rmSync(folder, { recursive: true });
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

training('a folder in the layout of MS COCO is trained on from nothing', () => {
  const colours = ['red', 'blue', 'green', 'grey'];
  const write = (split: string, first: number, count: number) => {
    mkdirSync(tiny.at('coco', split), { recursive: true });
    const numbers = Array.from({ length: count }, (_, index) => first + index);
    const images = numbers.map((id) => ({
      id,
      file_name: `COCO_${split}_${String(id).padStart(12, '0')}.png`,
    }));
    for (const { id, file_name } of images)
      writeFileSync(tiny.at('coco', split, file_name), stripedImage(id));
    const annotations = numbers.flatMap((image_id) => [
      { image_id, id: 2 * image_id, caption: `A ${colours[image_id % 4]} picture of stripes.` },
      { image_id, id: 2 * image_id + 1, caption: `Stripes that are ${colours[image_id % 4]}.` },
    ]);
    mkdirSync(tiny.at('coco', 'annotations'), { recursive: true });
    writeFileSync(
      tiny.at('coco', 'annotations', `captions_${split}.json`),
      JSON.stringify({ info: {}, images, annotations }),
    );
  };
  write('train2014', 1, 8);
  write('val2014', 101, 4);
  const { status, stdout, stderr } = tiny.run(
    ...['--data', tiny.at('coco'), ...tiny.argsWithoutData('drawn', '--epochs', '8', '--batches', 'length')],
    ...['--dropout-encoding', '0', '--dropout-embedding', '0', '--dropout-output', '0'],
    ...['--schedule', 'constant', '--learning-rate', '0.03'],
  );
  assert.is(status, 0, stderr);
  assert.match(stderr, /8 images, 16 captions, .*choosing by 2 images/);
  assert.match(stdout, /best epoch \d+: validation loss/);
  const losses = tiny.metrics('drawn');
  assert.ok(losses[7].devLoss < losses[0].devLoss - 0.3, JSON.stringify(losses));
  const { data } = JSON.parse(readFileSync(tiny.at('drawn', 'training.json'), 'utf8'));
  assert.equal(data.sets, [{ path: tiny.at('coco'), layout: 'coco', train: 8, dev: 2 }]);
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
