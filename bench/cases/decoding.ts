import type { Case } from '../workload.ts';
import {
  type CellSizes,
  type CellWeights,
  cellBytes,
  drawnCell,
  encodingFlops,
  shippedCell,
  stepFlops,
} from './captioner-cell.ts';
import { uniform } from './seeded-array.ts';

declare module '../workload.ts' {
  interface WorkloadKinds {
    /** The words of one sentence about one image: int32 [words]. No sentence ends before. */
    decode: {
      readonly sizes: CellSizes;
      readonly weights: CellWeights;
      /** [1, channels] */
      readonly features: HostArray;
      readonly words: number;
      /** Sentences kept at each word, ranked by the sum of log probabilities; 1 takes the likeliest word each time. */
      readonly beam: number;
    };
  }
}

function decodeCase(name: string, words: number, beam: number): Case {
  const sizes = shippedCell;
  return {
    name: `decode/${name}`,
    group: 'decoding',
    flops: encodingFlops(sizes) + words * beam * stepFlops(sizes),
    bytes: words * cellBytes(sizes),
    // TensorFlow.js compiles for many seconds on a software adapter.
    quick: false,
    // Ids: a different word is a wrong one.
    tolerance: 0,
    workload: () => ({
      kind: 'decode',
      sizes,
      weights: drawnCell(sizes, { endless: true }),
      features: uniform([1, sizes.channels], 600, 0, 1),
      words,
      beam,
    }),
  };
}

/** Sentences of 16 words from an image's features, by the shipped captioner's cell with 10,001 words. */
export const decodingCases: readonly Case[] = [decodeCase('greedy-16', 16, 1), decodeCase('beam-3', 16, 3)];
