import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { averageWeights } from '../src/nn/average-weights.ts';

const model = (...values: number[]) =>
  new Map([['kernel', { shape: [values.length], data: Float32Array.from(values) }]]);

test('every weight is the mean over the models', () => {
  const averages = averageWeights([model(1, 2), model(3, 6), model(5, 1)]);
  assert.equal([...(averages.get('kernel')?.data ?? [])], [3, 3]);
  assert.equal(averages.get('kernel')?.shape, [2]);
});

test('models of another architecture are refused', () => {
  assert.throws(() => averageWeights([model(1), model(1, 2)]), /"kernel" \[1\] is not in every model alike/);
  assert.throws(() => averageWeights([model(1), new Map()]), /not in every model alike/);
});

test.run();
