// @minutes 15
// Trainings that are killed and resumed end as one without a break, bit for bit.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors, writeSafetensors } from '../src/nn/formats/safetensors.ts';
import { interruptedRun } from './interrupted-run.ts';
import { TinyTraining } from './tiny-training.ts';

const training = suite('train-resume');
let tiny: TinyTraining;

const settings = [
  ...['--batch-images', '1', '--epochs', '24', '--schedule', 'cosine', '--warm-up', '9'],
  ...['--optimiser', 'nadam', '--checkpoint-minutes', '0'],
];

/** A language model: twelve sentences make an epoch of four steps. */
const language = () => [
  ...['--text', tiny.at('text.txt'), '--objective', 'language-model', '--batch-sentences', '3'],
  ...['--batches', 'length', '--epochs', '10'],
];

training.before(() => {
  tiny = new TinyTraining();
  const lines = Array.from({ length: 12 }, (_, number) => `a cat ${'smiles '.repeat(number % 5)}`);
  writeFileSync(tiny.at('text.txt'), lines.join('\n'));
});

training.after(() => tiny.remove());

const checkpoint = (out: string) => {
  const path = tiny.at(out, 'checkpoint.safetensors');
  return readSafetensors(readFileSync(path), path);
};

/** Steps done; 0 before the first checkpoint. Four steps make an epoch. */
function stepsOf(out: string): number {
  if (!existsSync(tiny.at(out, 'checkpoint.safetensors'))) return 0;
  const { position } = JSON.parse(checkpoint(out).metadata.state);
  return (position.epoch - 1) * 4 + position.batches;
}

/** Runs until a checkpoint has so many steps, and sends the signal. */
const interrupt = (out: string, args: string[], steps: number, signal: NodeJS.Signals) =>
  interruptedRun(args, signal, () => stepsOf(out) >= steps);

/** A training that these signals interrupt ends as one without a break. */
async function interruptBy(
  signals: readonly NodeJS.Signals[],
  names: { readonly whole: string; readonly broken: string },
  more: readonly string[],
): Promise<void> {
  const whole = tiny.run(...tiny.args(names.whole, ...settings, ...more));
  assert.is(whole.status, 0, whole.stderr);
  const args = tiny.args(names.broken, ...settings, ...more);
  let reached = 0;
  const middles: boolean[] = [];
  for (const [number, signal] of signals.entries()) {
    const resumed = number === 0 ? args : [...args, '--resume'];
    const { code, killed, stderr } = await interrupt(names.broken, resumed, 5 + 16 * number, signal);
    if (signal === 'SIGKILL') assert.is(killed, signal, stderr);
    else {
      assert.is(code, signal === 'SIGINT' ? 130 : 143, stderr);
      const same = more.includes('--text') ? '--data, --text and --out' : '--data and --out';
      assert.ok(stderr.includes(`--resume with the same ${same} goes on`), stderr);
    }
    assert.ok(stepsOf(names.broken) > reached, `no step was lost: ${stepsOf(names.broken)} after ${reached}`);
    reached = stepsOf(names.broken);
    middles.push(reached % 4 !== 0);
  }
  assert.ok(middles.includes(true), 'at least one break was in the middle of an epoch');
  const last = tiny.run(...args, '--resume');
  assert.is(last.status, 0, last.stderr);
  const parts = ({ epoch, trainLoss, devLoss }: { epoch: number; trainLoss: number; devLoss: number }) => ({
    epoch,
    trainLoss,
    devLoss,
  });
  assert.equal(tiny.metrics(names.broken).map(parts), tiny.metrics(names.whole).map(parts));
  const [ours, theirs] = [checkpoint(names.broken).weights, checkpoint(names.whole).weights];
  assert.equal([...ours.keys()], [...theirs.keys()]);
  for (const [name, { data }] of ours) assert.equal([...data], [...(theirs.get(name)?.data ?? [])], name);
  assert.equal(
    readFileSync(tiny.at(names.broken, 'decoder.safetensors')),
    readFileSync(tiny.at(names.whole, 'decoder.safetensors')),
  );
}

training('interrupted five times, it has the losses and weights of a run without a break', () =>
  interruptBy(
    ['SIGKILL', 'SIGINT', 'SIGKILL', 'SIGTERM', 'SIGKILL'],
    { whole: 'whole', broken: 'broken' },
    [],
  ),
);

training('so has a language model with batches by length', () =>
  interruptBy(['SIGKILL', 'SIGINT'], { whole: 'language', broken: 'interrupted' }, language()),
);

training('metrics that a killed process left too long are made again from the checkpoint', () => {
  const path = tiny.at('broken', 'metrics.jsonl');
  const written = readFileSync(path, 'utf8');
  writeFileSync(path, `${written}${written}{"epoch": 25`);
  const { status, stderr } = tiny.run(...tiny.args('broken', '--resume', '--epochs', '25'));
  assert.is(status, 0, stderr);
  assert.equal(
    tiny.metrics('broken').map(({ epoch }) => epoch),
    Array.from({ length: 25 }, (_, index) => index + 1),
  );
});

training('a checkpoint of another version is refused', () => {
  const path = tiny.at('broken', 'checkpoint.safetensors');
  const { weights, metadata } = checkpoint('broken');
  const named = [...weights].map(([name, { shape, data }]) => ({
    name,
    shape,
    data: Float32Array.from(data),
  }));
  writeFileSync(path, writeSafetensors(named, { metadata: { ...metadata, version: '1' } }));
  const { status, stderr } = tiny.run(...tiny.args('broken', '--resume', '--epochs', '26'));
  assert.is(status, 1, stderr);
  assert.match(stderr, /a checkpoint of version 1, and this program goes on from version \d/);
});

training.run();
