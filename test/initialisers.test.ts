// Keras's initialisers by their definitions: bounds, moments, orthogonality.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ShapeError } from '../src/kernels/op/errors.ts';
import {
  constant,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  type Initialiser,
  initialise,
  lecunNormal,
  lecunUniform,
  ones,
  orthogonal,
  randomNormal,
  randomUniform,
  truncatedNormal,
  zeros,
} from '../src/nn/initialisers.ts';
import { Random } from '../src/nn/random.ts';
import { errorOf } from './errors.ts';

interface Moments {
  readonly mean: number;
  readonly deviation: number;
  readonly least: number;
  readonly most: number;
}

function moments(values: Float32Array): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return {
    mean,
    deviation: Math.sqrt(variance),
    least: values.reduce((a, b) => Math.min(a, b)),
    most: values.reduce((a, b) => Math.max(a, b)),
  };
}

/** Statistics of n draws stray from their expectation by a few parts in √n. */
function near(what: string, actual: number, expected: number, scale: number, count: number): void {
  const allowed = (5 * scale) / Math.sqrt(count);
  assert.ok(Math.abs(actual - expected) < allowed, `${what} is ${actual}, expected ${expected} ± ${allowed}`);
}

function checkUniform(initialiser: Initialiser, shape: number[], limit: number): void {
  const values = initialiser(shape, new Random(1));
  const count = values.length;
  const { mean, deviation, least, most } = moments(values);
  near('the mean', mean, 0, limit / Math.sqrt(3), count);
  near('the deviation', deviation, limit / Math.sqrt(3), limit, count);
  const bound = Math.fround(limit);
  assert.ok(least >= -bound && most <= bound, `${least} … ${most} within ±${limit}`);
  assert.ok(least < -limit * (1 - 20 / count) && most > limit * (1 - 20 / count), 'the bounds are reached');
}

/** A normal cut at two of its own deviations whose variance after the cut is `deviation`². */
function checkTruncated(initialiser: Initialiser, shape: number[], deviation: number): void {
  const values = initialiser(shape, new Random(2));
  const found = moments(values);
  near('the mean', found.mean, 0, deviation, values.length);
  near('the deviation', found.deviation, deviation, deviation, values.length);
  const bound = (2 * deviation) / 0.87962566;
  assert.ok(found.least >= -bound * 1.000001 && found.most <= bound * 1.000001, 'no value beyond the cut');
  assert.ok(found.most > 0.97 * bound && found.least < -0.97 * bound, 'the cut is where it should be');
}

const kernel = [5, 3, 40, 30];
const [into, out] = [5 * 3 * 40, 5 * 3 * 30];

test('constants', () => {
  const random = new Random(1);
  assert.equal([...zeros([2, 2], random)], [0, 0, 0, 0]);
  assert.equal([...ones([3], random)], [1, 1, 1]);
  assert.equal([...constant(0.5)([], random)], [0.5]);
});

test('without a generator a weight is zeros, for what will be loaded', () => {
  assert.equal([...initialise(ones, [2], null)], [0, 0]);
  assert.equal([...initialise(ones, [2], new Random(1))], [1, 1]);
});

test('randomUniform spans −0.05 … 0.05 unless told otherwise', () => {
  checkUniform(randomUniform(), [100, 100], 0.05);
  const { least, most, mean } = moments(randomUniform(2, 6)([10_000], new Random(3)));
  assert.ok(least >= 2 && least < 2.01 && most < 6 && most > 5.99);
  near('the mean', mean, 4, 4 / Math.sqrt(12), 10_000);
});

test('randomNormal has mean 0 and deviation 0.05 unless told otherwise', () => {
  const { mean, deviation, most } = moments(randomNormal()([100, 200], new Random(4)));
  near('the mean', mean, 0, 0.05, 20_000);
  near('the deviation', deviation, 0.05, 0.05, 20_000);
  assert.ok(most > 0.15, 'it is not cut');
  near('another mean', moments(randomNormal(3, 0.1)([5000], new Random(5))).mean, 3, 0.1, 5000);
});

test('truncatedNormal cuts at two deviations', () => {
  const { mean, deviation, least, most } = moments(truncatedNormal(1, 0.5)([40_000], new Random(6)));
  near('the mean', mean, 1, 0.44, 40_000);
  near('the deviation', deviation, 0.5 * 0.87962566, 0.44, 40_000);
  assert.ok(least >= 0 && most <= 2 && least < 0.02 && most > 1.98);
});

test('Glorot, He and LeCun scale by the fans of a convolution kernel', () => {
  checkUniform(glorotUniform, kernel, Math.sqrt(6 / (into + out)));
  checkUniform(heUniform, kernel, Math.sqrt(6 / into));
  checkUniform(lecunUniform, kernel, Math.sqrt(3 / into));
  checkTruncated(glorotNormal, kernel, Math.sqrt(2 / (into + out)));
  checkTruncated(heNormal, kernel, Math.sqrt(2 / into));
  checkTruncated(lecunNormal, kernel, Math.sqrt(1 / into));
});

test('the fans of a matrix are its sides, of a vector its length', () => {
  checkUniform(glorotUniform, [300, 50], Math.sqrt(6 / 350));
  checkUniform(heUniform, [50, 300], Math.sqrt(6 / 50));
  checkUniform(glorotUniform, [5000], Math.sqrt(6 / 10_000));
});

test('orthogonal gives orthonormal columns or rows, times the gain', () => {
  for (const [shape, gain] of [
    [[40, 12], 1],
    [[12, 40], 1],
    [[20, 20], 1.5],
    [[3, 2, 4, 6], 1],
  ] as const) {
    const columns = shape[shape.length - 1];
    const values = orthogonal(gain)(shape, new Random(7));
    const rows = values.length / columns;
    const tall = rows >= columns;
    const count = Math.min(rows, columns);
    const at = (vector: number, place: number) =>
      tall ? values[place * columns + vector] : values[vector * columns + place];
    for (let a = 0; a < count; a++) {
      for (let b = 0; b <= a; b++) {
        let product = 0;
        for (let place = 0; place < Math.max(rows, columns); place++) product += at(a, place) * at(b, place);
        assert.ok(
          Math.abs(product - (a === b ? gain * gain : 0)) < 1e-6,
          `[${shape}]: ${a} · ${b} = ${product}`,
        );
      }
    }
  }
});

test('orthogonal favours no direction', () => {
  // The first element of a random rotation of the plane has mean 0 and variance 1/2.
  const firsts = Float32Array.from({ length: 4000 }, (_, seed) => orthogonal()([2, 2], new Random(seed))[0]);
  const { mean, deviation } = moments(firsts);
  near('the mean', mean, 0, Math.SQRT1_2, firsts.length);
  near('the deviation', deviation, Math.SQRT1_2, Math.SQRT1_2, firsts.length);
});

test('orthogonal refuses a vector', async () => {
  const { message } = await errorOf(ShapeError, () => orthogonal()([5], new Random(1)));
  assert.match(message, /\[5\] has fewer than two dimensions/);
});

test('the same seed draws the same weights, another seed others', () => {
  for (const initialiser of [glorotUniform, heNormal, orthogonal(), randomNormal()]) {
    const first = initialiser([4, 5], new Random(8));
    assert.equal([...initialiser([4, 5], new Random(8))], [...first]);
    assert.not.equal([...initialiser([4, 5], new Random(9))], [...first]);
  }
});

test('a generator continues where it was saved', () => {
  const random = new Random(10);
  random.normal();
  const state = random.save();
  const drawn = [random.next(), random.uniform(), random.normal(), random.integer(1000)];
  const other = new Random(11);
  other.restore(state);
  assert.equal([other.next(), other.uniform(), other.normal(), other.integer(1000)], drawn);
});

test('a generator is even over small integers, and shuffles fairly', () => {
  const random = new Random(12);
  const counts = new Array<number>(6).fill(0);
  for (let draw = 0; draw < 60_000; draw++) counts[random.integer(6)]++;
  // χ² with five degrees of freedom passes 25.7 once in ten thousand.
  const square = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  assert.ok(square < 25.7, `χ² = ${square}`);
  const orders = new Map<string, number>();
  for (let round = 0; round < 6000; round++) {
    const order = random.shuffle(['a', 'b', 'c']).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.is(orders.size, 6);
  const spread = [...orders.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assert.ok(spread < 25.7, `χ² = ${spread}`);
});

test.run();
