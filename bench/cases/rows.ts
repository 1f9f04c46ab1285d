import type { Case } from '../workload.ts';
import { bytesOf, uniform, wholeNumbers } from './seeded-array.ts';

declare module '../workload.ts' {
  interface WorkloadKinds {
    /** Softmax over the last axis of x [R, N]. */
    softmax: { readonly x: HostArray };
    /** Rows of table [V, N] by ids, int32 [R]. */
    embedding: { readonly table: HostArray; readonly ids: HostArray };
  }
}

/** The tokeniser's limit of 10,000 words, and the padding. */
const words = 10_001;
const embeddingWidth = 256;

function softmaxCase(rows: number, quick: boolean): Case {
  return {
    name: `softmax/${rows}x${words}`,
    group: 'softmax',
    // Largest, subtraction, exponential (counted as one), sum, division.
    flops: 5 * rows * words,
    bytes: bytesOf([rows, words], [rows, words]),
    quick,
    // Exponentials differ in their last bits from one machine to the next; the specification of WGSL grants 3 + 2|x| ulp.
    tolerance: 2e-5,
    workload: () => ({ kind: 'softmax', x: uniform([rows, words], 1, -8, 8) }),
  };
}

function embeddingCase(rows: number, quick: boolean): Case {
  return {
    name: `embedding/${words}x${embeddingWidth}-${rows}`,
    group: 'embedding',
    bytes: bytesOf([rows, embeddingWidth], [rows, embeddingWidth], [rows]),
    quick,
    // A copy.
    tolerance: 0,
    workload: () => ({
      kind: 'embedding',
      table: uniform([words, embeddingWidth], 1),
      ids: wholeNumbers([rows], 2, words),
    }),
  };
}

/** One word, the words of 64 sentences, and those of 64 sentences of 16 words. */
export const rowCases: readonly Case[] = [
  softmaxCase(1, true),
  softmaxCase(64, false),
  softmaxCase(1024, false),
  embeddingCase(1, false),
  embeddingCase(64, true),
  embeddingCase(1024, false),
];
