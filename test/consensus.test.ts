import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mostAgreed } from '../src/captioner/training/consensus.ts';

const records = [
  {
    image: 'dog',
    captions: [
      'a brown dog runs through the grass',
      'what a lovely afternoon',
      'a brown dog runs through tall grass',
      'a dog runs through the green grass',
    ],
  },
  { image: 'boat', captions: ['a small boat on a lake', 'two people row'] },
  { image: 'street', captions: ['a man walks down a street', 'a man walks along a street', 'it is raining'] },
];

test('the captions that agree with the others are kept, in their order', () => {
  const kept = mostAgreed(records, 2);
  assert.equal(
    kept.map(({ image }) => image),
    ['dog', 'boat', 'street'],
  );
  assert.is(kept[0].captions.length, 2);
  assert.not.ok(kept[0].captions.includes('what a lovely afternoon'));
  assert.equal(kept[2].captions, ['a man walks down a street', 'a man walks along a street']);
});

test('an image with few captions keeps them, and the records given stay as they are', () => {
  const before = structuredClone(records);
  assert.equal(mostAgreed(records, 3)[1].captions, records[1].captions);
  assert.equal(mostAgreed(records, 9), records);
  assert.equal(records, before);
});

test.run();
