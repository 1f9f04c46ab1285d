import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sentences, TinyTraining } from './tiny-training.ts';

const training = suite('train');
let tiny: TinyTraining;

const at = (...parts: string[]) => tiny.at(...parts);
const run = (...args: string[]) => tiny.run(...args);
const trainInto = (out: string, ...args: string[]) => run(...tiny.args(out, ...args));
const losses = (out: string): { trainLoss: number; devLoss: number }[] =>
  tiny.metrics(out).map(({ trainLoss, devLoss }) => ({ trainLoss, devLoss }));

training.before(() => {
  tiny = new TinyTraining();
  mkdirSync(at('more'));
  for (const name of ['cat', 'rocket'])
    copyFileSync(join('test', 'images', `${name}.jpg`), at('more', `${name}.jpg`));
  writeFileSync(at('more', 'captions.txt'), 'image,caption\ncat.jpg,a cat\nrocket.jpg,a rocket\n');
  writeFileSync(at('more', 'Flickr_8k.trainImages.txt'), 'cat.jpg\n');
  writeFileSync(at('more', 'Flickr_8k.devImages.txt'), 'rocket.jpg\n');
});

training.after(() => tiny.remove());

training('trains, writes a model that captions, and the loss falls', () => {
  const { status, stdout, stderr } = trainInto('straight', '--epochs', '12');
  assert.is(status, 0, stderr);
  assert.match(stdout, /best epoch \d+/);
  const lines = losses('straight');
  assert.is(lines.length, 12);
  assert.ok(lines[11].trainLoss < lines[0].trainLoss - 0.1, `the loss fell: ${JSON.stringify(lines)}`);
  for (const name of [
    'config.json',
    'tokenizer.json',
    'decoder.safetensors',
    'encoder.safetensors',
    'training.json',
  ]) {
    assert.ok(existsSync(at('straight', name)), name);
  }
  const caption = execFileSync(
    'node',
    ['dist/caption.js', '--model', at('straight'), '--device', 'cpu', 'test/images/cat.jpg'],
    { encoding: 'utf8' },
  );
  const words = new Set(Object.values(sentences).flatMap((sentence) => `this is ${sentence}`.split(' ')));
  assert.ok(
    caption
      .trim()
      .split(/\s+/)
      .every((word) => words.has(word)),
    caption,
  );
});

training('a resumed training is the same as one without a break', () => {
  assert.is(trainInto('broken', '--epochs', '2').status, 0);
  const resumed = run(
    '--data',
    at('data'),
    '--out',
    at('broken'),
    '--cache',
    at('cache'),
    '--resume',
    '--epochs',
    '4',
    '--device',
    'cpu',
  );
  assert.is(resumed.status, 0, resumed.stderr);
  assert.equal(losses('broken'), losses('straight').slice(0, 4));
});

training('a training may begin with the model of another, on the captions that agree best', () => {
  const { status, stderr } = trainInto(
    'second',
    '--from',
    at('straight'),
    '--best-captions',
    '1',
    '--epochs',
    '1',
  );
  assert.is(status, 0, stderr);
  assert.match(stderr, /4 images, 4 captions/);
  assert.ok(
    losses('second')[0].trainLoss < losses('straight')[1].trainLoss,
    'it knows what the first one learned',
  );
  const { before, command } = JSON.parse(readFileSync(at('second', 'training.json'), 'utf8'));
  assert.match(command, /--from/);
  assert.is(before.epochs.length, losses('straight').length);
});

training('goes on by the scores of its own sentences, and resumes that too', () => {
  const more = [
    '--from',
    at('straight'),
    '--objective',
    'cider',
    '--samples',
    '2',
    '--cross-entropy-weight',
    '0.1',
  ];
  const { status, stderr } = trainInto('rewarded', ...more, '--epochs', '3');
  assert.is(status, 0, stderr);
  assert.match(stderr, /epoch 3: reward \d\.\d+, validation loss \d\.\d+, CIDEr \d/);
  const rewards = (out: string) =>
    readFileSync(at(out, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ trainLoss, trainReward, devLoss }) => ({ trainLoss, trainReward, devLoss }));
  assert.is(rewards('rewarded')[0].trainLoss, null);
  assert.is(trainInto('halved', ...more, '--epochs', '1').status, 0);
  const resumed = trainInto('halved', '--resume', '--epochs', '3');
  assert.is(resumed.status, 0, resumed.stderr);
  assert.equal(rewards('halved'), rewards('rewarded'));
});

training('several data sets are trained on together', () => {
  const { status, stderr } = trainInto('joined', '--data', at('more'), '--epochs', '1');
  assert.is(status, 0, stderr);
  assert.match(stderr, /5 images, 9 captions.*choosing by 2 images/);
});

training('AdamW under a cosine with a warm-up trains, and the rates are in the metrics', () => {
  const { status, stderr } = trainInto(
    'adamw',
    ...[
      '--optimiser',
      'adamw',
      '--weight-decay',
      '0.1',
      '--schedule',
      'cosine',
      '--warm-up',
      '2',
      '--epochs',
      '3',
    ],
  );
  assert.is(status, 0, stderr);
  const rates = readFileSync(at('adamw', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).learningRate / 0.015);
  // The last of two steps an epoch: steps 1, 3 and 5 of 6.
  const expected = [1, 0.5 * (1 + Math.cos(Math.PI / 4)), 0.5 * (1 + Math.cos((3 * Math.PI) / 4))];
  for (const [index, rate] of rates.entries()) assert.ok(Math.abs(rate - expected[index]) < 1e-9, `${rates}`);
});

training('attention with all that it may have trains, resumes and captions', () => {
  const model = [
    '--pooling',
    'grid',
    '--outputs',
    'mixed5',
    '--image-side',
    '75',
    '--attention',
    '8',
    '--gate',
  ];
  const more = ['--initial-state', 'dense', '--layers', '2', '--deep-output', '--tie'];
  const objective = [
    '--label-smoothing',
    '0.1',
    '--doubly-stochastic',
    '0.5',
    '--scheduled-sampling',
    '0.25',
  ];
  const whole = trainInto('attending', ...model, ...more, ...objective, '--epochs', '2');
  assert.is(whole.status, 0, whole.stderr);
  const { decoder } = JSON.parse(readFileSync(at('attending', 'config.json'), 'utf8'));
  assert.equal(decoder.attention, { units: 8, gate: true });
  const { initialState, layers, outputFrom, tied } = decoder;
  assert.equal([initialState, layers, outputFrom, tied], ['dense', 2, 'hidden+context+word', true]);
  const { schedule } = JSON.parse(readFileSync(at('attending', 'training.json'), 'utf8')).settings;
  const { labelSmoothing, doublyStochastic, scheduledSampling } = schedule;
  assert.equal([labelSmoothing, doublyStochastic, scheduledSampling], [0.1, 0.5, 0.25]);
  assert.is(trainInto('half', ...model, ...more, ...objective, '--epochs', '1').status, 0);
  assert.is(trainInto('half', '--resume', '--epochs', '2').status, 0);
  assert.equal(losses('half'), losses('attending'));
  const shown = ['--model', at('attending'), '--device', 'cpu', 'test/images/cat.jpg'];
  assert.ok(execFileSync('node', ['dist/caption.js', ...shown], { encoding: 'utf8' }).trim().length > 0);
});

training('what cannot begin exits with 2 and one line', () => {
  const cases: [string[], RegExp][] = [
    [[], /--data DIR is missing/],
    [['--data', at('nowhere'), '--out', at('x')], /is no folder/],
    [['--data', at('data'), '--out', at('x'), '--resume'], /has no checkpoint/],
    [['--data', at('data'), '--out', at('x'), '--from', at('nowhere')], /is no model folder/],
    [['--data', at('data'), '--out', at('x'), '--epochs', 'many'], /--epochs takes a whole number/],
    [['--data', at('data'), '--out', at('x'), '--momentum', '0.9'], /--momentum belongs to --optimiser sgd/],
    [
      ['--data', at('data'), '--out', at('x'), '--schedule', 'linear'],
      /--schedule takes constant, step, cosine/,
    ],
    [['--data', at('data'), '--out', at('x'), '--frobnicate'], /Unknown option/],
    [['--data', at('data'), '--out', at('x'), '--gate'], /--gate is for attention/],
    [
      ['--data', at('data'), '--out', at('x'), '--doubly-stochastic', '1'],
      /--doubly-stochastic is for attention/,
    ],
    [['--data', at('data'), '--out', at('x'), '--layers', '3'], /--layers/],
    [['--data', at('data'), '--out', at('x'), '--label-smoothing', '1'], /--label-smoothing/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = run(...args);
    assert.is(status, 2, stderr);
    assert.match(stderr, message);
    assert.is(stderr.trim().split('\n').length, 1, stderr);
  }
});

training('settings that contradict each other, and a folder without captions, are told in one line', () => {
  mkdirSync(at('empty'));
  for (const args of [
    ['--data', at('empty')],
    ['--data', at('data'), '--pooling', 'grid'],
    ['--data', at('data'), '--outputs', 'mixed99'],
  ]) {
    const { status, stderr } = run(...args, '--out', at('y'));
    assert.is(status, 2, stderr);
    assert.is(stderr.trim().split('\n').length, 1, stderr);
    assert.not.match(stderr, /internal error|at .*\.js:/);
  }
});

training.run();
