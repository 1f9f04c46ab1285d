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
import { uniform, wholeNumbers } from './seeded-array.ts';

declare module '../workload.ts' {
  interface WorkloadKinds {
    /**
     * A step of Adam on the mean cross-entropy of sentences under teacher forcing, all of one length. The outputs are the
     * losses [1] of the first two steps: the second tells whether gradients and update were right.
     */
    decoderTraining: {
      readonly sizes: CellSizes;
      readonly weights: CellWeights;
      /** One image a sentence: [B, channels]. */
      readonly features: HostArray;
      /** Words that enter and words to be foretold, time-major: int32 [T · B] each. */
      readonly inputs: HostArray;
      readonly targets: HostArray;
      readonly sentences: number;
      readonly steps: number;
      readonly learningRate: number;
    };
  }
}

function trainingCase(sentences: number, steps: number, sizes: CellSizes): Case {
  return {
    name: `train/decoder-${sentences}x${steps}`,
    group: 'training',
    // The gradients of a product are two products of its size.
    flops: 3 * sentences * (encodingFlops(sizes) + steps * stepFlops(sizes)),
    // Weights, their gradients and Adam's two memories, read and written.
    bytes: 7 * cellBytes(sizes),
    quick: false,
    // The second loss feels the rounding of the smallest gradients, since the length of Adam's first step does not depend on
    // theirs; engines were seen to differ by 5e-7.
    tolerance: 1e-4,
    workload: () => ({
      kind: 'decoderTraining',
      sizes,
      weights: drawnCell(sizes),
      features: uniform([sentences, sizes.channels], 700, 0, 1),
      inputs: wholeNumbers([steps * sentences], 701, sizes.vocabulary),
      targets: wholeNumbers([steps * sentences], 702, sizes.vocabulary),
      sentences,
      steps,
      learningRate: 0.001,
    }),
  };
}

/** The decoder of the shipped captioner, with its own vocabulary: 64 sentences of 16 words. */
export const decoderTrainingCases: readonly Case[] = [
  trainingCase(64, 16, { ...shippedCell, vocabulary: 2912 }),
];
