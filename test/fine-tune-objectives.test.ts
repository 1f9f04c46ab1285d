// @minutes 10
// `train --fine-tune` for captions and for a teacher's features, alone and together, on five photographs in a list.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors, writeSafetensors } from '../src/nn/formats/safetensors.ts';
import { fineTunedSteps, interruptedRun } from './interrupted-run.ts';
import { type TinyKind, writeTinyCaptioner } from './tiny-captioner.ts';

/** In the words that tiny captioners know. Some photographs come twice, under other names. */
const sentences: Readonly<Record<string, readonly string[]>> = {
  'astronaut.jpg': ['woman play', 'woman red'],
  'cat.jpg': ['cat run', 'cat play grass'],
  'cat.again.jpg': ['cat jump', 'red cat'],
  'coffee.jpg': ['red ball water', 'red water'],
  'coffee.again.jpg': ['water ball'],
  'photographer.jpg': ['man grass', 'man play'],
  'rocket.jpg': ['snow jump', 'two jump snow'],
  'rocket.again.jpg': ['jump snow'],
};
const names = Object.keys(sentences);

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);
const run = (...args: string[]) => spawnSync('node', ['dist/train.js', ...args], { encoding: 'utf8' });
const settings = (out: string, ...more: string[]) => [
  ...['--data', at('data', 'list.jsonl'), '--held-out', '0.25', '--out', at(out), '--cache', at('cache')],
  ...['--batch-images', '2', '--warm-up', '1', '--seed', '7', '--device', 'cpu', '--threads', '1'],
  ...more,
];
/** Without dropout, whose noise would hide how the loss falls in a few steps. */
const still = ['encoding', 'embedding', 'output'].flatMap((place) => [`--dropout-${place}`, '0']);
const ofCaptions = ['--objective', 'captions', '--encoder-rate', '0.0005', '--decoder-rate', '0.02'];
const weightsOf = (...path: string[]) => readSafetensors(readFileSync(at(...path)), path.join('/')).weights;
const kernelOf = (number: number, ...path: string[]) =>
  weightsOf(...path).get(`conv2d_${number}.kernel`)?.data;
const metrics = (out: string): { trainLoss: number; devLoss: number; [measure: string]: unknown }[] =>
  readFileSync(at(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ seconds, ...line }) => line);

/** A teacher's file; its rows are those of the names, and of one image that is in no data set. */
function writeTeacher(file: string, rows: readonly string[], channels: number): void {
  const data = Float32Array.from({ length: rows.length * channels }, (_, index) =>
    Math.sin(1 + index * index),
  );
  const weight = { name: 'features', shape: [rows.length, channels], data };
  const metadata = { images: JSON.stringify(rows) };
  writeFileSync(at(file), writeSafetensors([weight], { encoding: 'float16', metadata }));
}

const tuning = suite('fine-tune-objectives');

tuning.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ekphrasis-objectives-'));
  mkdirSync(at('data', 'Images'), { recursive: true });
  const lines = Object.entries(sentences).map(([name, captions]) => {
    const photograph = `${name.split('.')[0]}.jpg`;
    copyFileSync(join('test', 'images', photograph), at('data', 'Images', name));
    return `${JSON.stringify({ image: `Images/${name}`, captions })}\n`;
  });
  writeFileSync(at('data', 'list.jsonl'), lines.join(''));
  for (const kind of ['average', 'attention'] satisfies TinyKind[]) {
    mkdirSync(at(kind));
    await writeTinyCaptioner(at(kind), kind);
  }
  writeTeacher('teacher.safetensors', [...names, 'stranger.jpg'].reverse(), 5);
});

tuning.after(() => rmSync(folder, { recursive: true, force: true }));

tuning('captions train convolutions and decoder, and the result is a model like any other', () => {
  const args = ['--fine-tune', 'stem2', '--from', at('average'), '--epochs', '6', ...still];
  const { status, stdout, stderr } = run(...settings('captions', ...ofCaptions, ...args));
  assert.is(status, 0, stderr);
  assert.match(stdout, /the model is in /);
  assert.match(stderr, /4 images to train on, 2 to measure/);
  const lines = metrics('captions');
  assert.ok(lines[5].trainLoss < 0.9 * lines[0].trainLoss, JSON.stringify(lines));
  assert.type(lines[5].devCider, 'number');
  assert.equal(kernelOf(3, 'captions', 'encoder.safetensors'), kernelOf(3, 'average', 'encoder.safetensors'));
  for (const number of [4, 12])
    assert.not.equal(
      kernelOf(number, 'captions', 'encoder.safetensors'),
      kernelOf(number, 'average', 'encoder.safetensors'),
    );
  const [before, after] = [
    weightsOf('average', 'decoder.safetensors'),
    weightsOf('captions', 'decoder.safetensors'),
  ];
  assert.equal([...after.keys()].sort(), [...before.keys()].sort());
  assert.not.equal(after.get('lstm.kernel')?.data, before.get('lstm.kernel')?.data);
  assert.match(
    readFileSync(at('captions', 'training.html'), 'utf8'),
    /For captions, from stem2 up; 12 steps done, ended/,
  );
  assert.equal(
    readdirSync(at('captions')).filter((name) => name.endsWith('.partial') || name === 'train.lock'),
    [],
  );
  const told = spawnSync(
    'node',
    ['dist/caption.js', '--device', 'cpu', '--model', at('captions'), join('test', 'images', 'cat.jpg')],
    { encoding: 'utf8' },
  );
  assert.is(told.status, 0, told.stderr);
  const size = ['--lstm-size', '12', '--embedding', '5', '--encoding-size', '8', '--caption-length', '9'];
  const looks = ['--image-side', '75', '--reduce-to', '0', '--outputs', 'mixed0', '--minimum-count', '1'];
  const further = [
    '--from',
    at('captions'),
    '--encoder',
    at('captions', 'encoder.safetensors'),
    '--epochs',
    '1',
  ];
  const next = run(
    ...[
      '--data',
      at('data', 'list.jsonl'),
      '--held-out',
      '0.25',
      '--out',
      at('next'),
      '--cache',
      at('cache'),
    ],
    ...[...size, ...looks, ...further, '--device', 'cpu', '--threads', '1'],
  );
  assert.is(next.status, 0, next.stderr);
  assert.is(
    JSON.parse(readFileSync(at('next', 'training.json'), 'utf8')).before.format,
    'ekphrasis-fine-tuning',
  );
});

tuning('all objectives together, stopped and resumed, end in the same weights, bit for bit', async () => {
  const args = settings(
    'straight',
    ...[
      '--fine-tune',
      'stem2',
      '--from',
      at('attention'),
      '--teacher',
      at('teacher.safetensors'),
      '--words',
      '5',
    ],
    ...['--objective', 'words,captions,features', '--objective-weight', '2,1,0.5', '--steps', '9'],
    ...['--checkpoint-minutes', '0', '--objective-rate', '0.02', '--decoder-rate', '0.01'],
    ...[
      '--encoder-rate',
      '0.0005',
      '--label-smoothing',
      '0.1',
      '--doubly-stochastic',
      '0.5',
      '--flip',
      '--colour',
      '0.1',
    ],
  );
  const straight = run(...args);
  assert.is(straight.status, 0, straight.stderr);
  const lines = metrics('straight');
  const [first, last] = [lines[0], lines[4]];
  assert.ok(last.trainLoss < 0.8 * first.trainLoss, JSON.stringify(lines));
  const losses = last.devLosses as Record<string, number>;
  assert.equal(Object.keys(losses), ['words', 'captions', 'features']);
  const sum = 2 * losses.words + losses.captions + 0.5 * losses.features;
  assert.ok(Math.abs(sum - last.devLoss) < 1e-9);
  assert.type(last.devExplained, 'number');
  const stopped = args.map((arg) => (arg === at('straight') ? at('stopped') : arg));
  let reached = 0;
  for (const signal of ['SIGINT', 'SIGKILL', 'SIGTERM'] as const) {
    const begun = reached > 0 ? ['--fine-tune', 'all', ...settings('stopped', '--resume')] : stopped;
    const enough = () => fineTunedSteps(at('stopped')) > reached;
    const { code, killed, stderr } = await interruptedRun(
      [...begun, '--checkpoint-minutes', '0'],
      signal,
      enough,
    );
    if (signal === 'SIGKILL') assert.is(killed, signal, stderr);
    else assert.is(code, signal === 'SIGINT' ? 130 : 143, stderr);
    reached = fineTunedSteps(at('stopped'));
  }
  assert.ok(reached < 9, 'the last break was before the end');
  // What it is trained for, with which files and on which images, the checkpoint knows.
  const resumed = run('--fine-tune', 'all', ...settings('stopped', '--resume'));
  assert.is(resumed.status, 0, resumed.stderr);
  assert.equal(metrics('stopped'), lines);
  for (const file of ['encoder', 'decoder', 'words', 'features']) {
    const [expected, actual] = ['straight', 'stopped'].map((out) => weightsOf(out, `${file}.safetensors`));
    assert.equal([...actual.keys()], [...expected.keys()]);
    for (const [name, { data }] of expected) assert.equal(actual.get(name)?.data, data, `${file}: ${name}`);
  }
});

tuning('a teacher’s features, found by the images’ names; and a report repeats the run', () => {
  const encoder = [
    '--encoder',
    at('average', 'encoder.safetensors'),
    '--outputs',
    'mixed0',
    '--image-side',
    '75',
  ];
  const args = [
    '--objective',
    'features',
    '--teacher',
    at('teacher.safetensors'),
    '--objective-rate',
    '0.05',
  ];
  const { status, stderr } = run(
    ...settings('features', '--fine-tune', 'mixed0', ...encoder, ...args, '--epochs', '6'),
  );
  assert.is(status, 0, stderr);
  const lines = metrics('features');
  assert.ok(lines[5].trainLoss < 0.9 * lines[0].trainLoss, JSON.stringify(lines));
  assert.not.equal(
    kernelOf(6, 'features', 'encoder.safetensors'),
    kernelOf(6, 'average', 'encoder.safetensors'),
  );
  assert.not.ok(existsSync(at('features', 'config.json')), 'an encoder alone is no model');
  const again = run('--config', at('features', 'fine-tuning.json'), '--out', at('again'));
  assert.is(again.status, 0, again.stderr);
  assert.equal(metrics('again'), lines);
  assert.equal(
    readFileSync(at('again', 'encoder.safetensors')),
    readFileSync(at('features', 'encoder.safetensors')),
  );
});

tuning('what does not belong together exits with 2 and one line', () => {
  writeTeacher('short.safetensors', names.slice(0, 2), 5);
  const words = [
    ...['--fine-tune', 'mixed0', '--encoder', at('average', 'encoder.safetensors'), '--outputs', 'mixed0'],
    ...['--image-side', '75'],
  ];
  const from = ['--from', at('average'), '--objective', 'captions'];
  const cases: [string[], RegExp][] = [
    [[...words, '--objective', 'captions'], /name the folder of a model that has one with --from/],
    [
      [...words, '--from', at('average')],
      /--from .* is for --objective captions, and the objective is words/,
    ],
    [['--fine-tune', 'mixed0', ...from, '--outputs', 'mixed0'], /--outputs is that of the model in --from/],
    [['--fine-tune', 'mixed1', ...from], /the model in --from reads mixed0, which lies below/],
    [['--fine-tune', 'mixed0', ...from, '--doubly-stochastic', '1'], /is for attention/],
    [['--fine-tune', 'mixed0', '--from', at('data'), '--objective', 'captions'], /is no model folder/],
    [[...words, '--objective', 'words,words'], /names one twice/],
    [[...words, '--objective-weight', '1,2'], /has 2 weights for 1 objectives/],
    [[...words, '--objective', 'features'], /--teacher is given 0 times for 1 data sets/],
    [[...words, '--teacher', at('short.safetensors')], /--teacher is for --objective features/],
    [
      [...words, '--objective', 'features', '--teacher', at('short.safetensors')],
      /no features of [3456] of the images, first Images/,
    ],
    [
      [...words, '--objective', 'features', '--teacher', at('average', 'decoder.safetensors')],
      /there is no tensor "features"/,
    ],
    [
      [...words, '--data-weight', '1', '--data-weight', '2'],
      /--data-weight is given 2 times for 1 data sets/,
    ],
    [[...words, '--resume'], /has no checkpoint/],
    [[...words, '--resume', '--force'], /Give one of them/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = run(...settings('new', ...args));
    assert.is(status, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, message);
    assert.is(stderr.trim().split('\n').length, 1, stderr);
  }
  assert.not.ok(existsSync(at('new')), 'what could not begin leaves no folder');
});

tuning.run();
