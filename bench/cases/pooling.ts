import type { Case } from '../workload.ts';
import { type PlacedPool, placeNetwork } from './inception-shapes.ts';
import { bytesOf, uniform } from './seeded-array.ts';

declare module '../workload.ts' {
  interface WorkloadKinds {
    /** Windows of 3 × 3: the largest, stride 2, 'valid'; or the mean, stride 1, 'same', padding not counted. */
    pool: {
      readonly operation: 'max' | 'average';
      /** [N, H, W, C] */
      readonly x: HostArray;
    };
  }
}

function poolCase({ operation, input, output }: PlacedPool): Case {
  const name = `${operation}-${input.join('x')}`;
  return {
    name: `pool/${name}`,
    group: 'pooling',
    // Nine comparisons or additions an element; the mean's division besides.
    flops: (operation === 'max' ? 9 : 10) * output[0] * output[1] * output[2],
    bytes: bytesOf(input, output),
    quick: name === 'max-17x17x768' || name === 'average-35x35x192',
    // Means of nine, added in whatever order; the largest is exact.
    tolerance: 1e-6,
    workload: () => ({ kind: 'pool', operation, x: uniform([1, ...input], 1) }),
  };
}

/** Every distinct pool of InceptionV3 on one image of 299 × 299. */
export function poolingCases(): Case[] {
  const distinct = new Map<string, Case>();
  for (const placed of placeNetwork(299).pools) {
    const found = poolCase(placed);
    distinct.set(found.name, found);
  }
  return [...distinct.values()];
}
