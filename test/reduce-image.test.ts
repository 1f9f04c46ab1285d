import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { reduceImage } from '../src/captioner/images/reduce-image.ts';

const grey = (values: number[]) => Uint8Array.from(values.flatMap((value) => [value, value, value]));
const red = (data: Float32Array) => [...data].filter((_, index) => index % 3 === 0);

test('whole pixels are averaged', () => {
  const image = { width: 4, height: 2, data: grey([10, 20, 30, 40, 50, 60, 70, 80]) };
  const { width, height, data } = reduceImage(image, 2);
  assert.equal([width, height], [2, 2]);
  assert.equal(red(data), [15, 35, 55, 75]);
  assert.equal(red(reduceImage(image, 1).data), [45]);
});

test('parts of pixels count by their share', () => {
  const { data } = reduceImage({ width: 3, height: 1, data: grey([0, 90, 30]) }, 2);
  assert.equal(red(data), [30, 50]);
});

test('a small image stays as it is, also where only one side is small', () => {
  const image = { width: 2, height: 2, data: Uint8Array.from({ length: 12 }, (_, index) => index * 7) };
  assert.equal([...reduceImage(image, 2).data], [...image.data]);
  const { width, height, data } = reduceImage({ width: 1, height: 3, data: grey([0, 60, 90]) }, 2);
  assert.equal([width, height], [1, 2]);
  assert.equal(red(data), [20, 80]);
});

test('the mean of a photograph is kept', () => {
  const data = Uint8Array.from({ length: 37 * 53 * 3 }, (_, index) => (index * 7919) % 256);
  const reduced = reduceImage({ width: 37, height: 53, data }, 11);
  const mean = (values: ArrayLike<number>) =>
    Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean(data) - mean(reduced.data)) < 1e-4);
  assert.is(reduced.data.length, 11 * 11 * 3);
});

test.run();
