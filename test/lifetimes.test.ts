// How a plan shares its memory among results that are not needed at the same time.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Lifetime, packOffsets, shareBuffers } from '../src/kernels/plans/lifetimes.ts';
import { Random } from '../src/nn/random.ts';

/** Most bytes that are needed at one time: no assignment can do with less. */
function floor(needs: readonly Lifetime[]): number {
  const sums = needs.map(({ first }) =>
    needs.reduce((sum, need) => sum + (need.first <= first && first <= need.last ? need.bytes : 0), 0),
  );
  return Math.max(0, ...sums);
}

function drawn(count: number, seed: number): Lifetime[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const first = Math.floor(random.uniform(0, 60));
    const last = first + Math.floor(random.uniform(0, 8));
    return { bytes: 16 * Math.floor(random.uniform(0, 500)), first, last };
  });
}

const together = (one: Lifetime, other: Lifetime) => one.first <= other.last && other.first <= one.last;

test('a chain of kernels needs two buffers, or the two largest neighbours', () => {
  const chain = [400, 100, 300, 200].map((bytes, index) => ({ bytes, first: index, last: index + 1 }));
  assert.equal(shareBuffers(chain), { sizes: [400, 200], buffers: [0, 1, 0, 1] });
  assert.is(packOffsets(chain, 4).bytes, 500);
  assert.equal(shareBuffers([]), { sizes: [], buffers: [] });
  assert.equal(packOffsets([], 16), { bytes: 0, offsets: [] });
});

test('what is needed at the same time never shares a buffer, and every buffer holds what it serves', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const needs = drawn(40, seed);
    const { sizes, buffers } = shareBuffers(needs);
    for (const [index, need] of needs.entries()) {
      assert.ok(sizes[buffers[index]] >= need.bytes);
      for (let other = 0; other < index; other++) {
        assert.ok(buffers[other] !== buffers[index] || !together(needs[other], need));
      }
    }
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) >= floor(needs));
  }
});

test('what is needed at the same time never overlaps in one stretch of memory', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const needs = drawn(40, seed);
    const { bytes, offsets } = packOffsets(needs, 64);
    for (const [index, need] of needs.entries()) {
      assert.is(offsets[index] % 64, 0);
      assert.ok(offsets[index] + need.bytes <= bytes);
      for (let other = 0; other < index; other++) {
        const apart =
          offsets[other] + needs[other].bytes <= offsets[index] ||
          offsets[index] + need.bytes <= offsets[other];
        assert.ok(apart || needs[other].bytes === 0 || need.bytes === 0 || !together(needs[other], need));
      }
    }
    assert.ok(bytes >= floor(needs));
    // The alignment of forty needs, and what greed loses on such small random ones.
    assert.ok(bytes < 1.5 * floor(needs) + 40 * 64, `seed ${seed}: ${bytes} for ${floor(needs)}`);
  }
});

test.run();
