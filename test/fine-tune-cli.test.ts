// @minutes 8
// `train --fine-tune` on five photographs: the command, its files, its life. The parts are tested in fine-tuning.test.ts.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
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
import { readSafetensors } from '../src/nn/formats/safetensors.ts';
import { fineTunedSteps, interruptedRun } from './interrupted-run.ts';

const photographs = ['astronaut', 'cat', 'coffee', 'photographer', 'rocket'];

let folder: string;
/** A copy of the shipped encoder, apart from what tells how that was trained. */
let shipped: string;
const at = (...parts: string[]) => join(folder, ...parts);
const run = (...args: string[]) => spawnSync('node', ['dist/train.js', ...args], { encoding: 'utf8' });
const settings = (out: string) => [
  ...[
    '--encoder',
    shipped,
    '--data',
    at('one'),
    '--data',
    at('two'),
    '--out',
    at(out),
    '--cache',
    at('cache'),
  ],
  ...[
    '--image-side',
    '75',
    '--words',
    '5',
    '--batch-images',
    '2',
    '--warm-up',
    '1',
    '--device',
    'cpu',
    '--threads',
    '1',
  ],
  ...['--encoder-rate', '0.001', '--objective-rate', '0.05'],
];
const weightsOf = (path: string) => readSafetensors(readFileSync(path), path).weights;
const metrics = (out: string): { trainLoss: number; devLoss: number; steps: number }[] =>
  readFileSync(at(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ trainLoss, devLoss, steps }) => ({ trainLoss, devLoss, steps }));

const tuning = suite('train --fine-tune');

tuning.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ekphrasis-fine-tune-'));
  shipped = at('encoder.safetensors');
  copyFileSync(join('models', 'flickr8k', 'encoder.safetensors'), shipped);
  for (const [set, names] of [
    ['one', photographs.slice(0, 3)],
    ['two', photographs.slice(2)],
  ] as const) {
    mkdirSync(at(set));
    for (const name of names) copyFileSync(join('test', 'images', `${name}.jpg`), at(set, `${name}.jpg`));
    writeFileSync(
      at(set, 'captions.txt'),
      `image,caption\n${names.map((name) => `${name}.jpg,a ${name} here\n${name}.jpg,one ${name}`).join('\n')}\n`,
    );
    writeFileSync(
      at(set, 'Flickr_8k.trainImages.txt'),
      names
        .slice(0, 2)
        .map((name) => `${name}.jpg\n`)
        .join(''),
    );
    writeFileSync(at(set, 'Flickr_8k.devImages.txt'), `${names[2]}.jpg\n`);
  }
});

tuning.after(() => rmSync(folder, { recursive: true, force: true }));

tuning('trains every stage of the encoder on varied images', () => {
  const args = [
    '--fine-tune',
    'all',
    '--outputs',
    'mixed0',
    '--epochs',
    '6',
    '--flip',
    '--crop',
    '0.9',
    '--colour',
    '0.1',
  ];
  const { status, stdout, stderr } = run(...settings('all'), ...args);
  assert.is(status, 0, stderr);
  assert.match(stderr, /4 images to train on, 2 to measure; 5 words/);
  assert.match(stdout, /the encoder is in .*encoder\.safetensors/);
  const lines = metrics('all');
  assert.is(lines.length, 6);
  assert.ok(lines[5].trainLoss < lines[0].trainLoss, JSON.stringify(lines));
  const [before, after] = [weightsOf(shipped), weightsOf(at('all', 'encoder.safetensors'))];
  const kernels = [...after.keys()].filter((name) => name.endsWith('.kernel'));
  assert.is(kernels.length, 12, 'those up to mixed0 and no more');
  for (const name of kernels) {
    const kernel = before.get(name);
    assert.equal(after.get(name)?.shape, kernel?.shape);
    assert.not.equal(after.get(name)?.data, kernel?.data, name);
  }
  const report = JSON.parse(readFileSync(at('all', 'fine-tuning.json'), 'utf8'));
  assert.is(report.steps, 12);
  assert.is(report.settings.first, 'stem1');
  assert.is(report.before, null);
});

tuning('trains the upper stages on what the lower make, and goes on from an earlier fine-tuning', () => {
  const args = ['--fine-tune', 'mixed0', '--outputs', 'mixed0,mixed1', '--epochs', '2'];
  const first = run(...settings('upper'), ...args);
  assert.is(first.status, 0, first.stderr);
  const kept = readdirSync(at('cache'));
  const again = run(...settings('again'), ...args, '--encoder', at('upper', 'encoder.safetensors'));
  // The fine-tuned file ends at mixed1, which is all that is asked for; its words' layer goes on from where it was.
  assert.is(again.status, 0, again.stderr);
  assert.equal(readdirSync(at('cache')), kept, 'what the stem makes is found again: it is the same');
  assert.ok(metrics('again')[0].trainLoss < metrics('upper')[0].trainLoss);
  const report = JSON.parse(readFileSync(at('again', 'fine-tuning.json'), 'utf8'));
  assert.is(report.before.steps, 4);
  const [start, one, two] = [
    weightsOf(shipped),
    weightsOf(at('upper', 'encoder.safetensors')),
    weightsOf(at('again', 'encoder.safetensors')),
  ];
  const kernel = (weights: typeof one, number: number) => weights.get(`conv2d_${number}.kernel`)?.data;
  assert.equal(kernel(one, 5), kernel(start, 5), 'the stem is left as it was');
  assert.not.equal(kernel(one, 6), kernel(start, 6));
  assert.not.equal(kernel(two, 6), kernel(one, 6));
});

tuning('a run that is stopped five times ends in the same weights, bit for bit', async () => {
  const args = ['--fine-tune', 'stem2', '--outputs', 'stem2', '--steps', '14', '--checkpoint-minutes', '0'];
  const straight = run(...settings('straight'), ...args);
  assert.is(straight.status, 0, straight.stderr);
  let reached = 0;
  for (const [round, signal] of (['SIGINT', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGINT'] as const).entries()) {
    const begun = [...settings('stopped'), ...args, round === 0 ? '--force' : '--resume'];
    const { code, killed, stderr } = await interruptedRun(
      begun,
      signal,
      () => fineTunedSteps(at('stopped')) > reached,
    );
    if (signal === 'SIGKILL') assert.is(killed, signal, stderr);
    else assert.is(code, signal === 'SIGINT' ? 130 : 143, stderr);
    reached = fineTunedSteps(at('stopped'));
  }
  assert.ok(reached < 14, 'the last break was before the end');
  const last = run(...settings('stopped'), ...args, '--resume');
  assert.is(last.status, 0, last.stderr);
  assert.equal(metrics('stopped'), metrics('straight'));
  const [expected, actual] = ['straight', 'stopped'].map((out) => weightsOf(at(out, 'encoder.safetensors')));
  for (const [name, { data }] of expected) assert.equal(actual.get(name)?.data, data, name);
});

tuning('what cannot begin exits with 2 and one line', () => {
  mkdirSync(at('taken'), { recursive: true });
  copyFileSync(shipped, at('taken', 'encoder.safetensors'));
  const cases: [string[], RegExp][] = [
    [['--fine-tune', 'mixed99'], /--fine-tune takes all, stem1/],
    [['--fine-tune', 'mixed6', '--outputs', 'mixed5'], /mixed5 lies below mixed6/],
    [['--fine-tune', 'all', '--out', at('taken')], /holds encoder.safetensors already.*--force/],
    [['--fine-tune', 'all', '--resume'], /has no checkpoint/],
    [['--fine-tune', 'all', '--encoder', at('nowhere')], /is no file/],
    [['--fine-tune', 'all', '--data', at('nowhere')], /is no folder and no file/],
    [['--fine-tune', 'all', '--lstm-size', '3'], /Unknown option/],
    [['--fine-tune', 'all', 'stray'], /is no option/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = run(...settings('new'), ...args);
    assert.is(status, 2, stderr);
    assert.match(stderr, message);
    assert.is(stderr.trim().split('\n').length, 1, stderr);
  }
  const help = run('--fine-tune', 'all', '--help');
  assert.is(help.status, 0);
  for (const flag of ['--encoder-rate', '--warm-up', '--accumulate', '--moving-average', '--colour']) {
    assert.match(help.stdout, new RegExp(flag));
  }
});

tuning.run();
