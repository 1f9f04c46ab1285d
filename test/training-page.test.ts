// The page that shows how a training goes.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { TrainingState } from '../src/captioner/cli/training/checkpoint.ts';
import { configOfValues, readValues } from '../src/captioner/cli/training/config-file.ts';
import type { Epoch } from '../src/captioner/cli/training/epoch.ts';
import { lineChart, ticks } from '../src/captioner/cli/training/line-chart.ts';
import { modelSettings } from '../src/captioner/cli/training/settings.ts';
import { trainingPage } from '../src/captioner/cli/training/training-page.ts';

const { values } = readValues(['--data', 'flickr8k & more', '--out', 'out']);
const facts = { device: 'CPU', images: { train: 4, dev: 2 }, sets: [], text: [], wordIds: 9 };
const line = (epoch: number): Epoch => ({
  epoch,
  trainLoss: 3 / epoch,
  trainReward: null,
  devLoss: 4 / epoch,
  learningRate: 0.001,
  seconds: 1.5,
  devCider: 0.1 * epoch,
  devBleu4: 0.05,
});
const state = (history: readonly Epoch[]): TrainingState => ({
  settings: modelSettings(values),
  tokenizer: null,
  history,
  before: null,
  config: configOfValues(values),
  dataHash: 'abc',
  position: { epoch: history.length + 1, batches: 0, sum: 0, count: 0 },
  seconds: 0,
  order: [],
  samples: [
    {
      image: 'test/images/cat.jpg',
      captions: [
        { epoch: 1, caption: 'a <b>cat</b>' },
        { epoch: 2, caption: 'a <b>cat</b>' },
        { epoch: 3, caption: 'two cats' },
      ],
    },
    { image: 'nowhere.jpg', captions: [{ epoch: 1, caption: '' }] },
  ],
});

test('ticks are round and enclose the values', () => {
  assert.equal(ticks(0.12, 0.97), [0, 0.5, 1]);
  assert.equal(ticks(2.1, 3.9), [2, 2.5, 3, 3.5, 4]);
  assert.equal(ticks(5, 5).length > 1, true);
  assert.ok(ticks(0, 0).every(Number.isFinite));
});

test('a chart has a line for each series with points, and none without', () => {
  const chart = lineChart('Loss', [
    {
      name: 'a & b',
      points: [
        [1, 2],
        [2, 1],
      ],
    },
    { name: 'empty', points: [] },
  ]);
  assert.is(chart?.text.match(/<polyline/g)?.length, 1);
  assert.match(chart?.text ?? '', /a &amp; b, epoch 2: 1/);
  assert.not.match(chart?.text ?? '', /NaN|Infinity|empty/);
  assert.is(lineChart('Loss', [{ name: 'empty', points: [] }]), null);
});

test('the page shows curves, samples and settings, without scripts or anything from elsewhere', () => {
  const page = trainingPage(state([line(1), line(2), line(3)]), facts, 'running');
  for (const title of ['Loss per word', 'CIDEr of', 'BLEU-4 of', 'Learning rate', 'What the model says'])
    assert.ok(page.includes(`<h2>${title}`), title);
  assert.match(page, /3 of 10 epochs done, running; the best is epoch 3/);
  assert.match(page, /<img src="data:image\/jpeg;base64,\/9j\//);
  assert.is(page.match(/a &lt;b&gt;cat&lt;\/b&gt;/g)?.length, 1, 'a caption that stays is shown once');
  assert.match(page, /\(no word\)/);
  assert.match(page, /lstm-size<\/th><td>512/);
  assert.match(page, /flickr8k &amp; more/);
  assert.match(page, /http-equiv="refresh"/);
  assert.not.match(page, /<script|https?:\/\/|NaN/);
  assert.not.match(trainingPage(state([line(1)]), facts, 'ended'), /http-equiv="refresh"/);
});

test('before the first epoch the page stands too', () => {
  const page = trainingPage(state([]), facts, 'running');
  assert.match(page, /0 of 10 epochs done/);
  assert.not.match(page, /<svg|NaN/);
});

test.run();
