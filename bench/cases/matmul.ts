import type { Case } from '../workload.ts';
import { bytesOf, uniform } from './seeded-array.ts';

declare module '../workload.ts' {
  interface WorkloadKinds {
    /** [M, K] · [K, N], or [B, M, K] · [B, K, N]. */
    matmul: { readonly a: HostArray; readonly b: HostArray };
  }
}

function product(m: number, k: number, n: number, { batch = 1, quick = false } = {}): Case {
  const lead = batch > 1 ? [batch] : [];
  const [a, b, y] = [
    [...lead, m, k],
    [...lead, k, n],
    [...lead, m, n],
  ];
  return {
    name: `matmul/${[...lead, m, k, n].join('x')}`,
    group: 'matmul',
    flops: 2 * batch * m * k * n,
    bytes: bytesOf(a, b, y),
    quick,
    // Sums of up to 16,384 float32 products in whatever order: √K · 2⁻²⁴ of the largest sum, times ten.
    tolerance: 2e-5,
    workload: () => ({ kind: 'matmul', a: uniform(a, 1), b: uniform(b, 2) }),
  };
}

const square = (side: number, quick = false) => product(side, side, side, { quick });

/** M × K × N, after the batch where there is one: square, tall and thin, rows times a matrix as decoding has them, batches. */
export const matmulCases: readonly Case[] = [
  square(256, true),
  square(512),
  square(768),
  square(1024),
  square(2048),
  square(4096),
  product(16384, 64, 64),
  product(4096, 256, 64),
  product(64, 64, 16384),
  product(64, 16384, 64),
  // The gates of the LSTM and the scores of the words: one sentence, a beam, a batch of sentences, all their words.
  product(1, 512, 2048),
  product(1, 768, 10001, { quick: true }),
  product(3, 512, 2048),
  product(64, 512, 2048),
  product(1024, 512, 2912),
  product(10001, 768, 1),
  product(256, 256, 256, { batch: 16 }),
  product(64, 64, 64, { batch: 128 }),
];
