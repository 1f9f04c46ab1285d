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

training.before(() => {
  tiny = new TinyTraining();
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

training('interrupted five times, it has the losses and weights of a run without a break', async () => {
  const whole = tiny.run(...tiny.args('whole', ...settings));
  assert.is(whole.status, 0, whole.stderr);
  const args = tiny.args('broken', ...settings);
  const signals: NodeJS.Signals[] = ['SIGKILL', 'SIGINT', 'SIGKILL', 'SIGTERM', 'SIGKILL'];
  let reached = 0;
  const middles: boolean[] = [];
  for (const [number, signal] of signals.entries()) {
    const resumed = number === 0 ? args : [...args, '--resume'];
    const { code, killed, stderr } = await interrupt('broken', resumed, 5 + 16 * number, signal);
    if (signal === 'SIGKILL') assert.is(killed, signal, stderr);
    else {
      assert.is(code, signal === 'SIGINT' ? 130 : 143, stderr);
      assert.match(stderr, /--resume with the same --data and --out goes on/);
    }
    assert.ok(stepsOf('broken') > reached, `no step was lost: ${stepsOf('broken')} after ${reached}`);
    reached = stepsOf('broken');
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
  assert.equal(tiny.metrics('broken').map(parts), tiny.metrics('whole').map(parts));
  const [ours, theirs] = [checkpoint('broken').weights, checkpoint('whole').weights];
  assert.equal([...ours.keys()], [...theirs.keys()]);
  for (const [name, { data }] of ours) assert.equal([...data], [...(theirs.get(name)?.data ?? [])], name);
  assert.equal(
    readFileSync(tiny.at('broken', 'decoder.safetensors')),
    readFileSync(tiny.at('whole', 'decoder.safetensors')),
  );
});

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
