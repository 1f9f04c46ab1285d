import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanCaptions, stripArticles } from '../src/captioner/data/clean-captions.ts';
import { cocoImageName, parseCocoCaptions } from '../src/captioner/data/coco.ts';
import { parseCsv } from '../src/captioner/data/csv.ts';
import { type DataSet, openDataSet } from '../src/captioner/data/data-set.ts';
import { parseFlickrCsv, parseFlickrTokens, parseSplitList } from '../src/captioner/data/flickr8k.ts';
import { splitImages } from '../src/captioner/data/split.ts';
import { FormatError } from '../src/kernels/op/errors.ts';

const formatError = (message: RegExp) => (error: unknown) =>
  error instanceof FormatError && message.test(error.message);

/** A folder in memory; files given as null are images, which no test reads. */
const folderOf = (files: Record<string, string | null>) => ({
  list: async () => Object.keys(files),
  read: async (name: string) => new TextEncoder().encode(files[name] ?? ''),
});
const rejection = async (files: Record<string, string | null>): Promise<unknown> => {
  try {
    return await openDataSet(folderOf(files));
  } catch (error) {
    return error;
  }
};
const images = (records: DataSet['train']) => records.map(({ image }) => image);

test('CSV: quotes, commas, line ends', () => {
  assert.equal(parseCsv('a,b\r\n"x, y","he said ""hi"""\n\n"two\nlines",\n,'), [
    ['a', 'b'],
    ['x, y', 'he said "hi"'],
    ['two\nlines', ''],
    ['', ''],
  ]);
  assert.equal(parseCsv('5" disk,b'), [['5" disk', 'b']]);
  assert.equal(parseCsv(''), []);
  assert.throws(() => parseCsv('a,b\nc,"d\n'), formatError(/line 2 does not end/));
  assert.throws(() => parseCsv('"a" b'), formatError(/line 1 has text after/));
});

test('Flickr8k captions in both forms', () => {
  const expected = [
    { image: '1.jpg', captions: ['A dog .', 'A dog , running .'] },
    { image: '2.jpg', captions: ['A cat .'] },
  ];
  const csv = 'image,caption\n1.jpg,A dog .\n2.jpg,A cat .\n1.jpg,"A dog , running ."\n';
  assert.equal(parseFlickrCsv(csv), expected);
  const tokens = '1.jpg#0\tA dog .\r\n2.jpg#0\tA cat .\r\n1.jpg#1\tA dog , running .\r\n';
  assert.equal(parseFlickrTokens(tokens), expected);
  assert.throws(() => parseFlickrCsv('name,text\n'), formatError(/"name,text"; expected the columns/));
  assert.throws(() => parseFlickrCsv('image,caption\n1.jpg,A dog , runs\n'), formatError(/has 3 fields/));
  assert.throws(() => parseFlickrTokens('1.jpg#0\tA dog .\n1.jpg A dog\n'), formatError(/line 2 /));
  assert.equal(parseSplitList('1.jpg\r\n 2.jpg\n\n'), ['1.jpg', '2.jpg']);
});

test('MS COCO captions', () => {
  const text = JSON.stringify({
    images: [{ id: 9, file_name: 'nine.jpg' }],
    annotations: [
      { image_id: 73, caption: 'A bike.' },
      { image_id: 9, caption: 'Food.\n' },
      { image_id: 73, caption: 'Two.' },
    ],
  });
  assert.equal(parseCocoCaptions(text), [
    { image: 'COCO_train2014_000000000073.jpg', captions: ['A bike.', 'Two.'] },
    { image: 'nine.jpg', captions: ['Food.\n'] },
  ]);
  assert.is(cocoImageName('val2014', 581929), 'COCO_val2014_000000581929.jpg');
  assert.throws(() => parseCocoCaptions('{"ann'), formatError(/not valid JSON/));
  assert.throws(() => parseCocoCaptions('[]'), formatError(/no list "annotations"/));
  assert.throws(
    () => parseCocoCaptions('{"annotations":[{"image_id":1}]}'),
    formatError(/annotation 0 is \{"image_id":1\}/),
  );
});

test('cleaning strips articles, drops long captions and keeps a number', () => {
  assert.is(stripArticles('A man on a horse in the rain'), 'man on horse in rain');
  assert.is(stripArticles('The dog and an USA flag'), 'dog and USflag');
  assert.is(stripArticles('a man at the\nsea'), 'a man at the\nsea');
  const records = [
    { image: '1', captions: ['A b c', 'd e', ' '] },
    { image: '2', captions: ['f g h i'] },
    { image: '3', captions: ['j', 'k'] },
  ];
  assert.equal(cleanCaptions(records), [{ image: '1', captions: ['A b c', 'd e'] }, ...records.slice(1)]);
  assert.equal(cleanCaptions(records, { articles: 'strip', maximumWords: 2, maximumCaptions: 3 }), [
    { image: '1', captions: ['b c', 'd e'] },
    { image: '3', captions: ['j'] },
  ]);
});

test('images are divided by name and seed alone', () => {
  const records = Array.from({ length: 1000 }, (_, index) => ({ image: `${index}.jpg`, captions: ['x'] }));
  const heldOut = { dev: 0.1, test: 0.1 };
  const one = splitImages(records, 42, heldOut);
  assert.equal([one.train.length, one.dev.length, one.test.length], [800, 100, 100]);
  assert.is(new Set(images([...one.train, ...one.dev, ...one.test])).size, 1000);
  assert.equal(splitImages([...records].reverse(), 42, heldOut), one);
  const other = splitImages(records, 43, heldOut);
  const shared = images(other.dev).filter((name) => images(one.dev).includes(name)).length;
  // 10 are expected by chance, with a standard deviation of 2.8.
  assert.ok(shared < 30, `${shared} of 100 held out under both seeds`);
  // Spread over the whole range, not a run of neighbouring numbers: 50 of each half, standard deviation 5.
  const low = images(one.dev).filter((name) => Number.parseInt(name, 10) < 500).length;
  assert.ok(low > 25 && low < 75, `${low} of 100 from the first half`);
});

const captions = 'image,caption\n1.jpg,one\n2.jpg,two\n3.jpg,three\n4.jpg,four\n5.jpg,five\n';

test('a Flickr8k folder with split lists', async () => {
  const dataSet = await openDataSet(
    folderOf({
      'Images/1.jpg': null,
      'Images/2.jpg': null,
      'Images/3.jpg': null,
      'Images/5.jpg': null,
      'text/captions.txt': captions,
      'text/Flickr_8k.trainImages.txt': '2.jpg\n1.jpg\n4.jpg\n',
      'text/Flickr_8k.devImages.txt': '3.jpg\nnowhere.jpg\n',
    }),
  );
  assert.equal(dataSet, {
    layout: 'flickr8k',
    train: [
      { image: 'Images/2.jpg', captions: ['two'] },
      { image: 'Images/1.jpg', captions: ['one'] },
    ],
    dev: [{ image: 'Images/3.jpg', captions: ['three'] }],
    test: [],
    missing: ['4.jpg', 'nowhere.jpg'],
  });
});

test('a Flickr8k folder without lists is divided', async () => {
  const files: Record<string, string | null> = {};
  let text = '';
  for (let index = 0; index < 20; index++) {
    files[`Flicker8k_Dataset/${index}.jpg`] = null;
    text += `${index}.jpg#0\tcaption ${index}\n`;
  }
  files['Flickr8k.token.txt'] = text;
  const dataSet = await openDataSet(folderOf(files), { heldOut: { dev: 0.2, test: 0.05 } });
  assert.equal([dataSet.train.length, dataSet.dev.length, dataSet.test.length], [15, 4, 1]);
  assert.ok(dataSet.train.every(({ image }) => image.startsWith('Flicker8k_Dataset/')));
  assert.equal(dataSet.missing, []);
});

test('MS COCO folders: training alone, with validation, and validation without its images', async () => {
  const coco = (ids: number[]) =>
    JSON.stringify({ images: [], annotations: ids.map((id) => ({ image_id: id, caption: `image ${id}` })) });
  const train = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const validation = [11, 12, 13, 14];
  const files: Record<string, string | null> = { 'annotations/captions_train2014.json': coco(train) };
  for (const id of train) files[`train2014/${cocoImageName('train2014', id)}`] = null;
  const alone = await openDataSet(folderOf(files));
  assert.is(alone.layout, 'coco');
  assert.equal([alone.train.length, alone.dev.length, alone.test.length], [8, 1, 1]);

  files['annotations/captions_val2014.json'] = coco(validation);
  const lacking = await openDataSet(folderOf(files));
  assert.equal({ ...lacking, missing: [] }, alone);
  assert.is(lacking.missing.length, 4);

  for (const id of validation) files[`val2014/${cocoImageName('val2014', id)}`] = null;
  const both = await openDataSet(folderOf(files));
  assert.equal([both.train.length, both.dev.length, both.test.length], [10, 2, 2]);
  assert.ok(both.dev.every(({ image }) => image.startsWith('val2014/')));
});

test('a file name that is there twice is taken from its split', async () => {
  const text = JSON.stringify({
    images: [{ id: 1, file_name: '1.jpg' }],
    annotations: [{ image_id: 1, caption: 'one' }],
  });
  const files = { 'captions_train2017.json': text, 'small/1.jpg': null, 'train2017/1.jpg': null };
  const folder = folderOf(files);
  const { train } = await openDataSet(folder, { heldOut: { dev: 0, test: 0 } });
  assert.equal(images(train), ['train2017/1.jpg']);
});

test('a folder that cannot be used says why', async () => {
  const cases: [Record<string, string | null>, RegExp][] = [
    [
      { 'a.jpg': null },
      /among its 1 files; looked for captions\.txt or Flickr8k\.token\.txt.*captions_\*\.json/,
    ],
    [{ 'captions.txt': captions }, /for training; 5 named images have no file or no caption, first 1\.jpg/],
    [
      { 'captions.txt': captions, '1.jpg': null, 'Flickr_8k.trainImages.txt': '1.jpg' },
      /not Flickr_8k\.devImages\.txt/,
    ],
    [
      { 'captions_train2014.json': '{"annotations":[{"image_id":1,"caption":"x"}]}' },
      /first COCO_train2014_000000000001\.jpg/,
    ],
  ];
  for (const [files, message] of cases) {
    const error = await rejection(files);
    assert.ok(formatError(message)(error), `${message}: ${String(error)}`);
  }
});

test('only the needed splits must be there', async () => {
  const files = { 'captions.txt': captions, '1.jpg': null, '2.jpg': null };
  const testAlone = { ...files, 'Flickr_8k.testImages.txt': '1.jpg\n' };
  const { train, dev, test } = await openDataSet(folderOf(testAlone), { needed: ['test'] });
  assert.equal([train, dev].map(images), [[], []]);
  assert.equal(images(test), ['1.jpg']);
  assert.ok(formatError(/not Flickr_8k\.trainImages\.txt/)(await rejection(testAlone)));
  const noPicture = { ...files, 'Flickr_8k.testImages.txt': '3.jpg' };
  const cases: [Record<string, string | null>, 'train' | 'dev' | 'test', RegExp][] = [
    [testAlone, 'dev', /not Flickr_8k\.devImages\.txt/],
    [noPicture, 'test', /for testing; 1 named images have no file or no caption, first 3\.jpg/],
  ];
  for (const [given, needed, message] of cases) {
    const error = await openDataSet(folderOf(given), { needed: [needed] }).catch((reason: unknown) => reason);
    assert.ok(formatError(message)(error), `${message}: ${String(error)}`);
  }
  assert.equal((await openDataSet(folderOf(noPicture), { needed: [] })).test, []);
});

test('captions that are not UTF-8 are refused', async () => {
  const folder = {
    list: async () => ['captions.txt'],
    read: async () => new Uint8Array([0x69, 0xe9, 0x2c]),
  };
  try {
    await openDataSet(folder);
    assert.unreachable();
  } catch (error) {
    assert.ok(formatError(/captions\.txt: not UTF-8/)(error), String(error));
  }
});

const flickr = '../shared/data/flickr8k';
// Skipped where the data are missing.
(existsSync(flickr) ? test : test.skip)('the Flickr8k folder opens', async () => {
  const dataSet = await openDataSet({
    list: async () => readdirSync(flickr, { recursive: true, encoding: 'utf8' }),
    read: async (name) => readFileSync(`${flickr}/${name}`),
  });
  assert.equal([dataSet.train.length, dataSet.dev.length, dataSet.test.length], [6000, 1000, 0]);
  assert.ok([...dataSet.train, ...dataSet.dev].every((record) => record.captions.length === 5));
  assert.equal(dataSet.missing, []);
});

test.run();
