import { convolutions, stageChannels, stages } from '../../src/nn/inception-v3/architecture.ts';
import type { Case } from '../workload.ts';
import { convolutionFlops, type PlacedConvolution, placeNetwork } from './inception-shapes.ts';
import { type ConvolutionWeights, drawnConvolutions } from './inception-v3.ts';
import { bytesOf, uniform, wholeNumbers } from './seeded-array.ts';

declare module '../workload.ts' {
  interface WorkloadKinds {
    /**
     * A step of gradient descent that tunes the convolutions from number `from` on, and a dense layer of classes over the
     * mean of the last stage, on the mean cross-entropy; batch norms are folded and rest. The outputs are the losses [1] of
     * the first two steps.
     */
    encoderTraining: {
      /** What enters the first stage [N, side, side, channels]. */
      readonly inputs: HostArray;
      readonly first: string;
      readonly last: string;
      /** Class numbers, int32 [N]. */
      readonly labels: HostArray;
      /** Those of the stages from `first` to `last`. */
      readonly convolutions: readonly ConvolutionWeights[];
      /** Counted among these. */
      readonly from: number;
      /** [channels of the last stage, classes] and [classes]. */
      readonly top: { readonly kernel: HostArray; readonly bias: HostArray };
      readonly learningRate: number;
    };
  }
}

const classes = 10;

interface Tuning {
  readonly name: string;
  readonly batch: number;
  readonly side: number;
  readonly first: string;
  readonly last: string;
  /** The first stage that is trained. */
  readonly trained: string;
}

function tuningCase({ name, batch, side, first, last, trained }: Tuning): Case {
  const placed = placeNetwork(side);
  const position = (stage: string) => stages.findIndex((one) => one.name === stage);
  const within = ({ stage }: { readonly stage: string }, begin: string) =>
    position(stage) >= position(begin) && position(stage) <= position(last);
  const flops = (begin: string) =>
    placed.convolutions
      .filter(({ convolution }) => within(convolution, begin))
      .reduce((sum: number, one: PlacedConvolution) => sum + convolutionFlops(one), 0);
  const used = convolutions.filter((one) => within(one, first));
  const entering =
    position(first) === 0 ? [side, side, 3] : placed.stages.get(stages[position(first) - 1].name);
  const channels = stageChannels.get(last) as number;
  return {
    name,
    group: 'training',
    // Forwards through all, backwards through what is trained: two products for each.
    flops: batch * (flops(first) + 2 * flops(trained)),
    bytes: bytesOf(...used.map(({ kernel }) => kernel)),
    quick: false,
    // The same sums as a whole network's, and the gradients of what is trained.
    tolerance: 1e-4,
    workload: () => ({
      kind: 'encoderTraining',
      inputs: uniform([batch, ...(entering as readonly number[])], 800),
      first,
      last,
      labels: wholeNumbers([batch], 801, classes),
      convolutions: drawnConvolutions(side).filter((one) => within(one, first)),
      from: used.findIndex(({ stage }) => position(stage) >= position(trained)),
      top: {
        kernel: uniform([channels, classes], 802, -0.03, 0.03),
        bias: uniform([classes], 803, -0.1, 0.1),
      },
      learningRate: 0.01,
    }),
  };
}

/** The last block on four small images, and a step of `train --fine-tune mixed6` on what mixed5 makes of 16 images. */
export const encoderTrainingCases: readonly Case[] = [
  tuningCase({
    name: 'train/encoder-4x139',
    batch: 4,
    side: 139,
    first: 'stem1',
    last: 'mixed10',
    trained: 'mixed10',
  }),
  tuningCase({
    name: 'train/fine-tune-16',
    batch: 16,
    side: 299,
    first: 'mixed6',
    last: 'mixed8',
    trained: 'mixed6',
  }),
];
