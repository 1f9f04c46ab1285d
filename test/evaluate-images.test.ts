// What evaluate tells of single images and of several searches: sweeps, per-image scores, thresholds, and the page.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openPage } from '../scripts/browser/open-page.ts';
import { type Caption, Captioner } from '../src/captioner/captioner.ts';
import { casesOf } from '../src/captioner/cli/evaluation/cases.ts';
import { folderSource } from '../src/captioner/cli/files.ts';
import { quantiles } from '../src/captioner/evaluation/confidence.ts';
import { imageScores, outermost } from '../src/captioner/evaluation/image-scores.ts';
import type { EvaluationReport, ImageReport } from '../src/captioner/evaluation/report.ts';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import { evaluateCaptions } from '../src/captioner/metrics/evaluate-captions.ts';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import { browser } from './adapter.ts';
import { stripedImage, writeTinyCaptioner } from './tiny-captioner.ts';

const browserTest = browser === 'none' ? test.skip : test;
const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-evaluate-images-'));
const at = (...names: string[]) => join(folder, ...names);
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const names = Array.from({ length: 7 }, (_, number) => `${number}.png`);
const sentences = ['A <b>red</b> ball & a dog .', 'Two men play in the snow .'];

test.before(async () => {
  mkdirSync(at('model'));
  await writeTinyCaptioner(at('model'), 'attention');
  // Photographs and a list for testing alone.
  mkdirSync(at('data'));
  const rows = names.flatMap((name, number) =>
    sentences.map((sentence) => `${name},${sentence.replace('ball', number % 2 ? 'ball' : 'cat')}`),
  );
  writeFileSync(at('data', 'captions.txt'), ['image,caption', ...rows, 'gone.png,A cat .'].join('\n'));
  writeFileSync(at('data', 'Flickr_8k.testImages.txt'), names.join('\n'));
  for (const [number, name] of names.entries()) writeFileSync(at('data', name), stripedImage(number));
});

test.after(() => rmSync(folder, { recursive: true }));

function evaluate(...args: string[]) {
  const command = [
    resolve('dist/evaluate.js'),
    ...['--device', 'cpu', '--model', at('model'), '--data', at('data'), '--cache', at('cache')],
    ...['--split', 'test', ...args],
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    timeout: 60_000,
    encoding: 'utf8',
  });
  assert.not.match(stderr, /^\s+at /m, 'no stack trace');
  return { status, stdout, stderr };
}

test('a sweep over beams and exponents scores the test split alone, image by image', async () => {
  const [json, perImage] = [at('sweep.json'), at('images.json')];
  const sweep = ['--beam', '1-2', '--beam', '2', '--length-exponent', '0', '--length-exponent', '2'];
  const result = evaluate(...sweep, '--json', json, '--per-image', perImage);
  assert.is(result.status, 0, result.stderr);
  assert.is(result.stderr, '');
  const report: EvaluationReport = readJson(json);
  const kinds = [
    { beam: 1, lengthExponent: null },
    { beam: 2, lengthExponent: 0 },
    { beam: 2, lengthExponent: 2 },
  ];
  assert.equal(
    report.runs.map(({ beam, lengthExponent }) => ({ beam, lengthExponent })),
    kinds,
  );
  const images: ImageReport = readJson(perImage);
  assert.is(images.format, 'ekphrasis-image-scores');
  const references = new Map(images.images.map((image) => [image.image, image.references]));
  assert.equal([...references.keys()], names);
  assert.equal(references.get('1.png'), sentences);

  const device = await CpuDevice.create();
  const captioner = await Captioner.load(folderSource(at('model')), device);
  for (const [place, { beam, lengthExponent }] of kinds.entries()) {
    const expected = new Map<string, Caption>();
    for (const name of names) {
      const image = decodeImage(readFileSync(at('data', name)), name);
      const options = { beam, lengthExponent: lengthExponent ?? undefined };
      expected.set(name, await captioner.caption(image, options));
    }
    const scores = imageScores(expected, references);
    for (const [row, { image: _, ...score }] of scores.entries()) {
      assert.equal(images.images[row].runs[place], { beam, lengthExponent, ...score });
    }
    const run = report.runs[place];
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    assert.ok(Math.abs(mean(scores.map(({ CIDEr }) => CIDEr)) - run.scores.CIDEr) < 1e-12);
    assert.is(run.meanLogProbability, mean([...expected.values()].map((one) => one.meanLogProbability)));
    assert.ok(Math.abs(run.imagesPerSecond * run.secondsPerCaption - 1) < 1e-12);
    if (place === 0) assert.equal(report.confidence, { ...kinds[0], quantiles: quantiles(scores) });
  }
  device.destroy();
  const captionsOf = (place: number) => images.images.map(({ runs }) => runs[place].caption).join('\n');
  assert.is.not(captionsOf(1), captionsOf(2), 'the exponents must matter for this test to mean anything');

  assert.ok(report.features);
  assert.is(report.features.images, 7);
  const { images: looked, seconds, imagesPerSecond } = report.features;
  assert.ok(seconds > 0 && Math.abs(imagesPerSecond - looked / seconds) < 1e-9);
  assert.match(result.stdout, /^ +greedy +beam 2 +beam 2 +a person +one for all$/m);
  assert.match(result.stdout, /^length exponent +0 +2$/m);
  const means = report.runs.map(({ meanLogProbability }) => meanLogProbability.toFixed(3)).join(' +');
  assert.match(result.stdout, new RegExp(`^mean log-probability +${means}$`, 'm'));
  assert.match(result.stdout, /^search: images per second( +[\d.]+){3}$/m);
  assert.match(result.stdout, /^features: [\d.]+ images per second, over 7 images$/m);
  const again = evaluate('--json', json);
  assert.match(again.stdout, /^features: all from the cache$/m);
  assert.equal([readJson(json).features, readJson(json).runs[0].lengthExponent], [null, 1]);
});

test('an image by itself scores as the set says', () => {
  const references = new Map([
    ['a', ['A dog runs in the snow .']],
    ['b', ['Two men play with a ball .']],
  ]);
  const captions = new Map([
    ['a', { caption: 'a dog runs in the snow', meanLogProbability: -0.5 }],
    ['b', { caption: 'a cat', meanLogProbability: -1.5 }],
  ]);
  const [a, b] = imageScores(captions, references);
  assert.equal([a.image, a.caption, a.meanLogProbability], ['a', 'a dog runs in the snow', -0.5]);
  // The published scorer adds 1e-9 to every denominator, so that a perfect sentence is a little below 1.
  assert.ok(a['BLEU-4'] < 1 && a['BLEU-4'] > 1 - 1e-8, String(a['BLEU-4']));
  // "a" matches, and nothing longer: 1/2 · 0/1 · 0/0 · 0/0 with the terms that the published scorer adds.
  const expected = Math.exp(1 - 6 / 2) * (0.5 * 1e-15 * 1e-6 * 1e-6) ** 0.25;
  assert.ok(Math.abs(b['BLEU-4'] / expected - 1) < 1e-6, String(b['BLEU-4']));
  const set = evaluateCaptions(
    new Map([...captions].map(([image, { caption }]) => [image, caption])),
    references,
  );
  assert.ok(Math.abs((a.CIDEr + b.CIDEr) / 2 - set.CIDEr) < 1e-12);
  assert.ok(a.CIDEr > 5 && b.CIDEr < 1);
});

test('quantiles divide the images by the mean log probability', () => {
  // CIDEr-D falls with certainty lost, from 2.0 down to 0.1.
  const scores = Array.from({ length: 20 }, (_, place) => ({
    meanLogProbability: -(place + 1),
    CIDEr: (20 - place) / 10,
  }));
  const table = quantiles(scores);
  assert.equal(
    table.map(({ part, imagesBelow, imagesAbove }) => [part, imagesBelow, imagesAbove]),
    [
      [0.05, 1, 19],
      ...[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((part) => [part, 20 * part, 20 - 20 * part]),
    ].map((row) => row.map((value) => Number(value.toFixed(2)))),
  );
  const half = table[5];
  assert.is(half.meanLogProbability, -10);
  assert.ok(Math.abs((half.CIDErBelow ?? 0) - 0.55) < 1e-12);
  assert.ok(Math.abs(half.CIDErAbove - 1.55) < 1e-12);
  const [alone] = quantiles([{ meanLogProbability: -1, CIDEr: 0.5 }]);
  assert.equal([alone.imagesBelow, alone.CIDErBelow, alone.CIDErAbove], [0, null, 0.5]);
});

test('the best and the worst share no image', () => {
  const scores = [0.4, 0.1, 0.9, 0.2, 0.7].map((CIDEr, number) => ({
    image: String(number),
    caption: '',
    meanLogProbability: -1,
    CIDEr,
    'BLEU-4': 0,
  }));
  const shown = (most: number) => {
    const { best, worst } = outermost(scores, most);
    return [best, worst].map((list) => list.map(({ CIDEr }) => CIDEr));
  };
  assert.equal(shown(2), [
    [0.9, 0.7],
    [0.1, 0.2],
  ]);
  assert.equal(shown(30), [
    [0.9, 0.7, 0.4],
    [0.1, 0.2],
  ]);
});

test('the page tells of a picture that has gone since', async () => {
  const references = new Map(names.map((name) => [name, sentences]));
  const scores = imageScores(
    new Map(names.map((name) => [name, { caption: 'a red ball', meanLogProbability: -1 }])),
    references,
  );
  mkdirSync(at('emptied'));
  for (const name of names.slice(1)) writeFileSync(at('emptied', name), stripedImage(1));
  const [run] = readJson(at('sweep.json')).runs;
  const text = await casesOf({ data: at('emptied'), split: 'test' }, run, scores, references);
  assert.is(text.match(/<img/g)?.length, 6);
  assert.match(text, /No picture: [^<]*0\.png does not exist/);
});

browserTest('the page shows the best and the worst with their pictures, and loads nothing', async () => {
  const page = at('cases.html');
  const perImage = at('again.json');
  const result = evaluate('--html', page, '--per-image', perImage);
  assert.is(result.status, 0, result.stderr);
  const text = readFileSync(page, 'utf8');
  assert.not.match(text, /(src|href)="(?!data:)/);
  assert.not.match(text, '<b>red');
  assert.is(text.match(/<li>A &lt;b&gt;red&lt;\/b&gt; (ball|cat) &amp; a dog \.<\/li>/g)?.length, 7);
  const { images }: ImageReport = readJson(perImage);
  const falling = images.map(({ runs }) => runs[0].CIDEr).sort((a, b) => b - a);
  const order = [...falling.slice(0, 4), ...falling.slice(4).reverse()].map((value) => value.toFixed(3));
  assert.equal(
    [...text.matchAll(/>CIDEr-D ([\d.]+),/g)].map(([, value]) => value),
    order,
  );
  const opened = await openPage(browser, pathToFileURL(page).href);
  try {
    const loaded = await opened.page.evaluate(() => [...document.images].map((image) => image.naturalWidth));
    assert.equal(loaded, new Array(7).fill(16));
    assert.is(
      await opened.page.getByRole('region', { name: 'The 4 best' }).getByRole('listitem').count(),
      4 + 8,
    );
    assert.equal(opened.complaints, []);
  } finally {
    await opened.close();
  }
});

test.run();
