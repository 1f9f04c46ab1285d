import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Captioner } from '../src/captioner/captioner.ts';
import { folderSource } from '../src/captioner/cli/files.ts';
import type { EvaluationReport } from '../src/captioner/evaluation/report.ts';
import { scaleOf } from '../src/captioner/evaluation/scale.ts';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import { evaluateCaptions } from '../src/captioner/metrics/evaluate-captions.ts';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import { stripedImage, type TinyKind, writeTinyCaptioner } from './tiny-captioner.ts';

const COMMAND = resolve('dist/evaluate.js');
const KINDS: TinyKind[] = ['average', 'flattened', 'attention'];
const PHOTOGRAPHS = ['astronaut', 'cat', 'coffee', 'photographer', 'rocket'].map((name) => `${name}.jpg`);

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-evaluate-'));
const at = (...names: string[]) => join(folder, ...names);
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** A data set of Flickr8k's layout; the captions of each image are the two given for it. */
function writeDataSet(
  name: string,
  splits: { train: string[]; dev: string[] },
  captionsOf = (image: string): string[] => [`A man , or ${image[0]} dog .`, 'Two red balls in the snow .'],
): string {
  const data = at(name);
  mkdirSync(data, { recursive: true });
  const rows = [...splits.train, ...splits.dev].flatMap((image) =>
    captionsOf(image).map((caption) => `${image},"${caption}"`),
  );
  writeFileSync(join(data, 'captions.txt'), ['image,caption', ...rows].join('\n'));
  writeFileSync(join(data, 'Flickr_8k.trainImages.txt'), splits.train.join('\n'));
  writeFileSync(join(data, 'Flickr_8k.devImages.txt'), splits.dev.join('\n'));
  return data;
}

function run(...args: string[]) {
  const command = [COMMAND, '--device', 'cpu', '--cache', at('cache'), ...args];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, command, {
    timeout: 60_000,
    encoding: 'utf8',
  });
  assert.is(signal, null, `ended by ${signal}: ${stderr}`);
  assert.not.match(stderr, /^\s+at /m, 'no stack trace');
  return { status, stdout, stderr };
}

/** What the captioner says of image files, one after the other, without features kept in between. */
async function captionsOf(model: string, paths: string[], beam: number): Promise<string[]> {
  const device = await CpuDevice.create();
  const captioner = await Captioner.load(folderSource(model), device);
  const captions: string[] = [];
  for (const path of paths) {
    captions.push((await captioner.caption(decodeImage(readFileSync(path), path), { beam })).caption);
  }
  device.destroy();
  return captions;
}

test.before(async () => {
  for (const kind of KINDS) {
    mkdirSync(at(kind));
    await writeTinyCaptioner(at(kind), kind);
  }
  const data = writeDataSet('photographs', { train: PHOTOGRAPHS.slice(0, 1), dev: PHOTOGRAPHS.slice(1) });
  symlinkSync(resolve('test/images'), join(data, 'Images'));
});

test.after(() => rmSync(folder, { recursive: true }));

for (const kind of KINDS) {
  test(`${kind}: captions are the captioner's and scores those of the metrics`, async () => {
    const [json, written] = [at(`${kind}.json`), at(`${kind}-captions.json`)];
    const common = ['--model', at(kind), '--data', at('photographs'), '--beam', '2'];
    const result = run(...common, '--json', json, '--captions', written);
    assert.is(result.status, 0, result.stderr);
    assert.is(result.stderr, '');
    const images = PHOTOGRAPHS.slice(1).map((name) => `Images/${name}`);
    const expected = await captionsOf(
      at(kind),
      images.map((image) => at('photographs', image)),
      2,
    );
    assert.equal(readJson(written), Object.fromEntries(images.map((image, i) => [image, expected[i]])));
    const report: EvaluationReport = readJson(json);
    const references = images.map((image): [string, string[]] => [
      image,
      [`A man , or ${image['Images/'.length]} dog .`, 'Two red balls in the snow .'],
    ]);
    const scores = evaluateCaptions(new Map(Object.entries(readJson(written))), new Map(references));
    assert.ok(scores.distinctCaptions > 1, 'images can be told apart by their captions');
    assert.is(report.runs.length, 1);
    assert.equal(report.runs[0].scores, scores);
    assert.is(report.runs[0].beam, 2);
    assert.ok(report.runs[0].secondsPerCaption > 0);
    for (const score of ['BLEU-1', 'BLEU-4', 'ROUGE-L', 'CIDEr'] as const) {
      const columns = [scores, report.scale.person, report.scale.constant.scores];
      const line = [score, ...columns.map((column) => column?.[score].toFixed(3))].join(' +');
      assert.match(result.stdout, new RegExp(`^${line}$`, 'm'));
    }
  });
}

test('captions taken as references score best, greedy and beam in one run', () => {
  const [model, json] = [at('average'), at('perfect.json')];
  const captions = new Map<string, string>();
  const written = at('greedy.json');
  assert.is(
    run('--model', model, '--data', at('photographs'), '--beam', '1', '--captions', written).status,
    0,
  );
  for (const [image, caption] of Object.entries(readJson(written))) {
    captions.set(image.replace('Images/', ''), String(caption));
  }
  // A model of random weights may say nothing at all of an image, which scores nothing whatever the reference.
  const dev = PHOTOGRAPHS.slice(1).filter((image) => captions.get(image) !== '');
  assert.ok(dev.length >= 2, [...captions].join());
  const data = writeDataSet('perfect', { train: PHOTOGRAPHS.slice(0, 1), dev }, (image) => [
    captions.get(image) ?? 'a man',
  ]);
  symlinkSync(resolve('test/images'), join(data, 'Images'));
  const result = run(
    '--model',
    model,
    '--data',
    data,
    '--beam',
    '1',
    '--beam',
    '2',
    '--beam',
    '1',
    '--json',
    json,
  );
  assert.is(result.status, 0, result.stderr);
  const [greedy, beam, ...more] = (readJson(json) as EvaluationReport).runs;
  assert.equal([greedy.beam, beam.beam, more.length], [1, 2, 0]);
  // The published scorer adds 1e-9 to every denominator, so that perfect sentences are a little below 1.
  for (const name of ['BLEU-1', 'BLEU-4'] as const)
    assert.ok(greedy.scores[name] < 1 && greedy.scores[name] > 1 - 1e-8, String(greedy.scores[name]));
  assert.is(greedy.scores['ROUGE-L'], 1);
  assert.match(result.stdout, /^ +greedy +beam 2 +one for all$/m);
});

test('the scale is that of a person and of one sentence for all', () => {
  const people = ['A dog runs in the snow .', 'A dog runs in the snow .', 'Two men play with a ball .'];
  const references = new Map([
    ['a.jpg', people],
    ['b.jpg', [...people].reverse()],
  ]);
  const { constant, person } = scaleOf(references);
  // Of the words, six of six and one of six ("a") are those of a sentence by someone else.
  assert.ok(Math.abs((person?.['BLEU-1'] ?? 0) - 7 / 12) < 1e-9, 'but for the 1e-9 of the published scorer');
  assert.is(person?.images, 2);
  assert.is(constant.scores.distinctCaptions, 1);
  assert.is(constant.scores.meanLength, constant.caption.split(' ').length);
  assert.is(
    scaleOf(
      new Map([
        ['a.jpg', people],
        ['b.jpg', people.slice(0, 1)],
      ]),
    ).person,
    null,
  );
});

test('the report names what was scored', () => {
  const json = at('report.json');
  const args = [
    '--model',
    at('average'),
    '--data',
    at('photographs'),
    '--limit',
    '2',
    '--seed',
    '7',
    '--held-out',
    '.2',
  ];
  assert.is(run(...args, '--json', json).status, 0);
  const report: EvaluationReport = readJson(json);
  assert.is(report.format, 'ekphrasis-evaluation');
  assert.is(report.program, readJson('package.json').version);
  assert.ok(Math.abs(Date.now() - Date.parse(report.date)) < 600_000, report.date);
  assert.equal(report.data, { layout: 'flickr8k', split: 'dev', images: 4, limit: 2, seed: 7, heldOut: 0.2 });
  assert.is(report.device.kind, 'cpu');
  assert.ok(report.device.description.length > 0);
  assert.is(report.runs[0].scores.images, 2);
  const files = ['config.json', 'decoder.safetensors', 'encoder.safetensors', 'tokenizer.json'];
  assert.equal(Object.keys(report.model).sort(), files);
  for (const name of files) {
    const bytes = readFileSync(at('average', name));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    assert.equal(report.model[name], { bytes: bytes.length, sha256 }, name);
  }
});

test('--split train scores the training images', () => {
  const written = at('train.json');
  const args = ['--model', at('average'), '--data', at('photographs'), '--split', 'train'];
  assert.is(run(...args, '--captions', written).status, 0);
  assert.equal(Object.keys(readJson(written)), ['Images/astronaut.jpg']);
});

test('only the needed part of the cache is made, and then read', async () => {
  const names = Array.from({ length: 104 }, (_, number) => `${String(number).padStart(3, '0')}.png`);
  const data = writeDataSet('striped', { train: names.slice(0, 101), dev: names.slice(101) });
  for (const [number, name] of names.entries()) writeFileSync(join(data, name), stripedImage(number));
  const cache = at('striped-cache');
  const written = at('striped.json');
  const args = ['--model', at('average'), '--data', data, '--cache', cache, '--captions', written];
  assert.is(run(...args).status, 0);
  const [key, ...others] = readdirSync(cache);
  assert.equal(others, []);
  const [cached, ...more] = readdirSync(join(cache, key));
  assert.match(cached, /^00001-[0-9a-f]{12}\.safetensors$/);
  assert.equal(more, []);
  const expected = await captionsOf(
    at('average'),
    names.slice(101).map((name) => join(data, name)),
    3,
  );
  assert.equal(Object.values(readJson(written)), expected);
  assert.ok(new Set(expected).size > 1, 'images can be told apart by their captions');

  const file = join(cache, key, cached);
  const { mtimeMs } = statSync(file);
  // Images of another part of the cache may change, and the dates of all; these images may not.
  for (const name of names.slice(0, 100)) writeFileSync(join(data, name), 'no image any more');
  for (const name of names) utimesSync(join(data, name), 1e9, 1e9);
  assert.match(run(...args).stdout, /^features: all from the cache$/m);
  assert.equal(Object.values(readJson(written)), expected);
  assert.is(statSync(file).mtimeMs, mtimeMs);
  const old = readFileSync(join(data, names[103]));
  writeFileSync(join(data, names[103]), stripedImage(1));
  utimesSync(join(data, names[103]), 1e9, 1e9);
  assert.match(run(...args).stdout, /^features: [\d.]+ images per second/m);
  const renewed = Object.values(readJson(written));
  const [replacing] = await captionsOf(at('average'), [join(data, names[103])], 3);
  assert.equal(renewed, [...expected.slice(0, 2), replacing]);
  assert.is.not(replacing, expected[2]);
  writeFileSync(join(data, names[103]), old);
  truncateSync(file, 1000);
  const damaged = run(...args);
  assert.is(damaged.status, 1);
  assert.ok(damaged.stderr.includes(file), damaged.stderr);
});

test('an image that cannot be read is named, and the other thread does not go on', () => {
  const names = Array.from({ length: 2001 }, (_, number) => `${String(number).padStart(4, '0')}.png`);
  const data = writeDataSet('broken', { train: names.slice(0, 1), dev: names.slice(1) });
  const image = stripedImage(1);
  for (const name of names) writeFileSync(join(data, name), image);
  writeFileSync(join(data, '0001.png'), 'no image');
  const cache = at('broken-cache');
  const result = run('--model', at('average'), '--data', data, '--cache', cache, '--threads', '2');
  assert.is(result.status, 1);
  assert.is(result.stdout, '');
  assert.match(result.stderr, /^evaluate: 0001\.png is .*\n$/);
  const [key] = readdirSync(cache);
  // The first hundred fails at once; the other nineteen and a bit take the second thread several seconds.
  assert.not(readdirSync(join(cache, key)).some((name) => name.startsWith('00020')));
});

const MISTAKES: [args: string[], named: string][] = [
  [[], '--data'],
  [['--frobnicate'], '--frobnicate'],
  [['--data', 'no/such/folder'], '--data no/such/folder is no folder'],
  [['--data', 'package.json'], '--data package.json is no folder'],
  [['--data', '.', '--model', 'no/such/folder'], '--model no/such/folder does not exist'],
  [['--data', '.', '--model', 'src'], 'has no config.json'],
  [['--data', '.', '--split', 'all'], '--split takes dev, test, train, and "all" is none of them'],
  [['--data', '.', '--beam', '0'], '--beam takes a whole number from 1 to 100, and "0" is not'],
  [
    ['--data', '.', '--beam', '5-1'],
    '--beam takes a range from the narrower to the wider, and "5-1" is none',
  ],
  [['--data', '.', '--beam', '0-3'], '--beam takes a whole number from 1 to 100, and "0" is not'],
  [['--data', '.', '--beam', '1-'], '--beam takes a whole number from 1 to 100, and "1-" is not'],
  [['--data', '.', '--beam', '1-3', '--captions', 'x.json'], '--captions is for one --beam'],
  [['--data', '.', '--length-exponent', '3'], '--length-exponent takes a number from 0 to 2'],
  [['--data', '.', '--length-exponent', '1', '--beam', '1'], '--length-exponent is for beams'],
  [['--data', '.', '--per-image', 'src'], '--per-image src is a folder'],
  [['--data', '.', '--html', 'no/such/folder/x.html'], 'the folder no/such/folder does not exist'],
  [['--data', '.', '--held-out', '1'], '--held-out takes a number from 0.001 to 0.45'],
  [['--data', '.', '--limit', '0'], '--limit takes a whole number'],
  [['--data', '.', '--threads', 'two'], '--threads takes a whole number'],
  [['--data', '.', '--device', 'tpu'], '--device takes auto, webgpu, cpu'],
  [['--data', '.', '--json', 'no/such/folder/x.json'], 'the folder no/such/folder does not exist'],
  [['--data', '.', '--captions', 'src'], '--captions src is a folder'],
  [['--data', '.', '--beam', '1', '--beam', '2', '--captions', 'x.json'], '--captions is for one --beam'],
  [['--data', '.', 'models'], '"models" has none'],
];

for (const [args, named] of MISTAKES) {
  test(`evaluate ${args.join(' ')} is a mistake: exit 2 and one line`, () => {
    const { status, stdout, stderr } = run(...args);
    assert.is(status, 2, stderr);
    assert.is(stdout, '');
    assert.match(stderr, /^evaluate: .*\n$/);
    assert.ok(stderr.includes(named), stderr);
  });
}

test('a data set or model that cannot be used exits with 2', () => {
  const photographs = at('photographs');
  mkdirSync(at('bare'));
  cpSync(at('average'), at('incomplete'), { recursive: true, verbatimSymlinks: true });
  rmSync(at('incomplete', 'decoder.safetensors'));
  const cases: [string[], string][] = [
    [['--data', at('bare'), '--model', at('average')], 'no captions file among its 0 files'],
    [
      ['--data', photographs, '--model', at('average'), '--split', 'test'],
      `--split test: ${photographs} has no images in it (dev 4, test 0, train 1)`,
    ],
    [['--data', photographs, '--model', at('incomplete')], 'decoder.safetensors does not exist'],
  ];
  for (const [args, named] of cases) {
    const { status, stdout, stderr } = run(...args);
    assert.is(status, 2, stderr);
    assert.is(stdout, '');
    assert.ok(stderr.includes(named), stderr);
  }
});

test('images without a file are left out and told', () => {
  const data = writeDataSet('gaps', { train: ['a.png'], dev: ['b.png', 'gone.png'] });
  for (const name of ['a.png', 'b.png']) writeFileSync(join(data, name), stripedImage(1));
  const { status, stdout, stderr } = run('--model', at('average'), '--data', data);
  assert.is(status, 0, stderr);
  assert.is(stderr, 'evaluate: left out 1 images without a file or a caption, the first gone.png\n');
  assert.match(stdout, /^images +1 +1 +1$/m);
});

test('--help and --version go to standard output and exit with 0', () => {
  const help = run('--help');
  assert.is(help.status, 0);
  for (const flag of [
    '--data',
    '--split',
    '--beam',
    '--length-exponent',
    '--per-image',
    '--html',
    '--limit',
    '--cache',
  ])
    assert.match(help.stdout, flag);
  assert.is(help.stderr, '');
  const { version } = readJson('package.json');
  assert.equal(run('--version'), { status: 0, stdout: `ekphrasis ${version}\n`, stderr: '' });
});

test.run();
