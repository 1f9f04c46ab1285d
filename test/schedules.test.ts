// Learning rates by step, against values worked out by hand.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { learningRateAt, type Schedule } from '../src/captioner/training/trainer.ts';

const plain: Schedule = {
  kind: 'step',
  learningRate: 2,
  warmUp: 0,
  decay: 0.5,
  decayAfter: 2,
  decayEvery: null,
  clipNorm: 5,
  batchImages: 1,
};
const course = { stepsPerEpoch: 3, epochs: 4 };
const rates = (schedule: Partial<Schedule>) =>
  Array.from({ length: 12 }, (_, step) => learningRateAt({ ...plain, ...schedule }, step, course));

test('step multiplies by the decay at every epoch after the first ones', () => {
  assert.equal(rates({}), [2, 2, 2, 2, 2, 2, 1, 1, 1, 0.5, 0.5, 0.5]);
});

test('step goes by steps where their number is given', () => {
  assert.equal(
    rates({ decayEvery: 2, decayAfter: 1 }),
    [2, 2, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625],
  );
});

test('constant stays, and a warm-up rises to the whole rate', () => {
  assert.equal(rates({ kind: 'constant', warmUp: 4 }), [0.5, 1, 1.5, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
});

test('cosine begins with the whole rate after the warm-up and comes to 0 one step after the last', () => {
  const cosine = rates({ kind: 'cosine', warmUp: 2 });
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}`);
  near(cosine[1], 2);
  near(cosine[2], 2);
  near(cosine[7], 1);
  near(learningRateAt({ ...plain, kind: 'cosine', warmUp: 2 }, 12, course), 0);
});

test.run();
