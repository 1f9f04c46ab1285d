import { convolutions } from '../../src/nn/inception-v3/architecture.ts';
import type { Case } from '../workload.ts';
import { convolutionFlops, placeNetwork } from './inception-shapes.ts';
import { type ConvolutionWeights, drawnConvolutions } from './inception-v3.ts';
import { bytesOf, uniform, wholeNumbers } from './seeded-array.ts';

declare module '../workload.ts' {
  interface WorkloadKinds {
    /**
     * A step of gradient descent that tunes the convolutions from number `from` on, and a dense layer of classes over the
     * mean of mixed10, on the mean cross-entropy; batch norms are folded and rest. The outputs are the losses [1] of the
     * first two steps.
     */
    encoderTraining: {
      /** [N, side, side, 3] */
      readonly images: HostArray;
      /** Class numbers, int32 [N]. */
      readonly labels: HostArray;
      readonly convolutions: readonly ConvolutionWeights[];
      readonly from: number;
      /** [2048, classes] and [classes]. */
      readonly top: { readonly kernel: HostArray; readonly bias: HostArray };
      readonly learningRate: number;
    };
  }
}

const classes = 10;

/** Tunes the blocks of `trained` and up. */
function tuningCase(batch: number, side: number, trained: readonly string[]): Case {
  const placed = placeNetwork(side);
  const from = convolutions.findIndex(({ stage }) => trained.includes(stage));
  const flops = (first: number) =>
    placed.convolutions.slice(first).reduce((sum, one) => sum + convolutionFlops(one), 0);
  return {
    name: `train/encoder-${batch}x${side}`,
    group: 'training',
    // Forwards through all, backwards through what is trained: two products for each.
    flops: batch * (flops(0) + 2 * flops(from)),
    bytes: bytesOf(...convolutions.map(({ kernel }) => kernel)),
    quick: false,
    // The same sums as a whole network's, and the gradients of one block.
    tolerance: 1e-4,
    workload: () => ({
      kind: 'encoderTraining',
      images: uniform([batch, side, side, 3], 800),
      labels: wholeNumbers([batch], 801, classes),
      convolutions: drawnConvolutions(side),
      from,
      top: { kernel: uniform([2048, classes], 802, -0.03, 0.03), bias: uniform([classes], 803, -0.1, 0.1) },
      learningRate: 0.01,
    }),
  };
}

/**
 * The last block on four small images. Not more, since its average pool is then below all that is trained: the gradient
 * that TensorFlow.js 4.22 has of a padded average pool divides by the whole window where the pool itself does not.
 */
export const encoderTrainingCases: readonly Case[] = [tuningCase(4, 139, ['mixed10'])];
