// @minutes 10
// Settings from a file, what training.json tells, and folders that hold something already.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readValues } from '../src/captioner/cli/training/config-file.ts';
import { TinyTraining } from './tiny-training.ts';

const training = suite('train-config');
let tiny: TinyTraining;

training.before(() => {
  tiny = new TinyTraining();
});

training.after(() => tiny.remove());

const config = (name: string, value: unknown): string => {
  const path = tiny.at(name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};
const report = (out: string) => JSON.parse(readFileSync(tiny.at(out, 'training.json'), 'utf8'));

training('a file sets what the command line does not', () => {
  const file = config('some.json', {
    data: ['a', 'b'],
    'lstm-size': 64,
    optimiser: 'sgd',
    resume: undefined,
  });
  const { values } = readValues(['--config', file, '--optimiser=adamw', '--data', 'c']);
  assert.equal(
    [values.data, values['lstm-size'], values.optimiser, values.embedding],
    [['c'], '64', 'adamw', '256'],
  );
  assert.equal(readValues(['--config', file]).values.data, ['a', 'b']);
});

training('a file that cannot be used is told by its name and the setting', () => {
  const cases: [unknown, RegExp][] = [
    [{ 'learning-rte': 1 }, /"learning-rte" is no setting/],
    [{ resume: true }, /"resume" is no setting/],
    [{ epochs: [1] }, /"epochs" is \[1\]; expected a text or a number/],
    [{ data: [true] }, /"data" is \[true\]; expected a text or a number, or a list/],
    ['{', /is not JSON/],
    [[1], /holds no object/],
    [{ format: 'ekphrasis-training', version: 1 }, /a version that did not keep the settings/],
  ];
  for (const [value, message] of cases) {
    const file = config('wrong.json', value);
    assert.throws(
      () => readValues(['--config', file]),
      (error: unknown) =>
        error instanceof Error && error.message.includes(file) && message.test(error.message),
    );
  }
  assert.throws(() => readValues(['--config', tiny.at('none.json')]), /none.json does not exist/);
});

training('a training is repeated from its training.json, and tells what it was made with', () => {
  const first = tiny.run(...tiny.args('first', '--epochs', '2', '--optimiser', 'sgd', '--momentum', '0.5'));
  assert.is(first.status, 0, first.stderr);
  const { node, program, device, data, config: written } = report('first');
  assert.is(node, process.version);
  assert.match(program, /^\d/);
  assert.match(device, /CPU/);
  assert.match(data.sha256, /^[0-9a-f]{64}$/);
  assert.equal(data.sets, [{ path: tiny.at('data'), layout: 'flickr8k', train: 4, dev: 1 }]);
  assert.equal([written.seed, written.momentum, written.epochs], [42, 0.5, 2]);
  const second = tiny.run('--config', tiny.at('first', 'training.json'), '--out', tiny.at('second'));
  assert.is(second.status, 0, second.stderr);
  const losses = (out: string) => tiny.metrics(out).map(({ trainLoss, devLoss }) => [trainLoss, devLoss]);
  assert.equal(losses('second'), losses('first'));
  assert.equal(report('second').data, data);
});

training('a folder that holds a model is not begun in again without --force', () => {
  const args = tiny.args('first', '--epochs', '1');
  const refused = tiny.run(...args);
  assert.is(refused.status, 2, refused.stderr);
  assert.match(refused.stderr, /holds checkpoint.safetensors already.*--resume.*--force/);
  assert.match(tiny.run(...args, '--force', '--resume').stderr, /Give one of them/);
  const forced = tiny.run(...args, '--force');
  assert.is(forced.status, 0, forced.stderr);
  assert.is(tiny.metrics('first').length, 1);
});

training(
  'a folder in which another process trains is refused, and one of a process that is gone taken over',
  () => {
    const lock = tiny.at('first', 'train.lock');
    assert.not(existsSync(lock));
    const resume = tiny.args('first', '--resume', '--epochs', '2');
    writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
    const refused = tiny.run(...resume);
    assert.is(refused.status, 2, refused.stderr);
    assert.ok(
      refused.stderr.includes(`process ${process.pid} on ${hostname()} trains into it`),
      refused.stderr,
    );
    assert.ok(existsSync(lock), 'the lock of another stays');
    const { pid } = spawnSync('node', ['--version']);
    writeFileSync(lock, JSON.stringify({ pid, host: hostname() }));
    const taken = tiny.run(...resume);
    assert.is(taken.status, 0, taken.stderr);
    assert.not(existsSync(lock));
  },
);

training('a training does not go on with other data than it began with', () => {
  const captions = tiny.at('data', 'captions.txt');
  const before = readFileSync(captions, 'utf8');
  appendFileSync(captions, 'cat.jpg,one more about the cat\n');
  const { status, stderr } = tiny.run(...tiny.args('first', '--resume', '--epochs', '3'));
  writeFileSync(captions, before);
  assert.is(status, 2, stderr);
  assert.match(stderr, /is not what the training began with/);
});

training.run();
