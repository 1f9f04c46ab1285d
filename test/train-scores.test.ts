// @minutes 10
// Captions of development images that are scored while training.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import { bestOf, measuredSince } from '../src/captioner/cli/training/best-epoch.ts';
import type { Epoch } from '../src/captioner/cli/training/epoch.ts';
import { sentences, TinyTraining } from './tiny-training.ts';

const line = (epoch: number, devLoss: number, cider?: number): Epoch => ({
  epoch,
  trainLoss: 1,
  trainReward: null,
  devLoss,
  learningRate: 1,
  seconds: 1,
  ...(cider === undefined ? {} : { devCider: cider, devBleu4: 0 }),
});

test('the best epoch is that of the lowest loss or the highest CIDEr, and patience counts what was measured', () => {
  const history = [line(1, 3), line(2, 2, 0.5), line(3, 1), line(4, 1, 0.4), line(5, 4), line(6, 5, 0.5)];
  assert.is(bestOf(history, 'loss')?.epoch, 3);
  assert.is(measuredSince(history, 'loss'), 3);
  assert.is(bestOf(history, 'cider')?.epoch, 2);
  assert.is(measuredSince(history, 'cider'), 2);
  assert.is(bestOf([line(1, 3)], 'cider'), undefined);
  assert.is(measuredSince([line(1, 3)], 'cider'), 0);
});

const training = suite('train-scores');
let tiny: TinyTraining;

training.before(() => {
  tiny = new TinyTraining();
  // Without split lists, so that several images can be held out.
  mkdirSync(tiny.at('held'));
  symlinkSync(resolve(tiny.at('data', 'Images')), tiny.at('held', 'Images'));
  const lines = Object.keys(sentences).map((name) => `${name}.jpg,a picture of the ${name} here`);
  writeFileSync(tiny.at('held', 'captions.txt'), `image,caption\n${lines.join('\n')}\n`);
});

training.after(() => tiny.remove());

training('epochs that are scored have the scores that evaluate gives to their model', () => {
  const { status, stdout, stderr } = tiny.run(
    ...[
      '--data',
      tiny.at('held'),
      '--held-out',
      '0.4',
      ...tiny.argsWithoutData('out', '--epochs', '40', '--schedule', 'constant'),
    ],
    ...['--score-every', '20', '--choose-by', 'cider', '--precision', 'float32', '--learning-rate', '0.05'],
    ...['--dropout-encoding', '0', '--dropout-embedding', '0', '--dropout-output', '0'],
  );
  assert.is(status, 0, stderr);
  const scored = tiny.metrics('out').filter(({ devCider }) => devCider !== undefined);
  assert.equal(
    scored.map(({ epoch }) => epoch),
    [20, 40],
  );
  const { best } = JSON.parse(readFileSync(tiny.at('out', 'training.json'), 'utf8'));
  assert.ok(best.devBleu4 > 0, JSON.stringify(scored));
  assert.ok(stdout.includes(`best epoch ${best.epoch}: validation loss`), stdout);
  assert.match(stderr, /CIDEr \d\.\d{4}, BLEU-4 \d\.\d{4}/);
  execFileSync('node', [
    ...['dist/evaluate.js', '--data', tiny.at('held'), '--held-out', '0.4', '--model', tiny.at('out')],
    ...['--beam', '1', '--cache', tiny.at('cache'), '--device', 'cpu', '--json', tiny.at('scores.json')],
  ]);
  const [{ scores }] = JSON.parse(readFileSync(tiny.at('scores.json'), 'utf8')).runs;
  assert.equal([best.devCider, best.devBleu4], [scores.CIDEr, scores['BLEU-4']]);
});

training('choosing by CIDEr without scores is refused', () => {
  const { status, stderr } = tiny.run(...tiny.args('never', '--choose-by', 'cider', '--score-every', '0'));
  assert.is(status, 2, stderr);
  assert.match(stderr, /--score-every 0 makes none/);
});

test.run();
training.run();
