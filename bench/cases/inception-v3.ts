import type { Convolution } from '../../src/nn/inception-v3/architecture.ts';
import type { Case } from '../workload.ts';
import { convolutionFlops, placeNetwork } from './inception-shapes.ts';
import { bytesOf, heWeights, uniform } from './seeded-array.ts';

/** A convolution of InceptionV3 with its weights; the batch norm is folded into them. */
export interface ConvolutionWeights extends Convolution {
  readonly kernelData: Float32Array;
  readonly bias: Float32Array;
}

declare module '../workload.ts' {
  interface WorkloadKinds {
    /** What InceptionV3 makes of images: mixed10 [N, 8, 8, 2048] of [N, 299, 299, 3]. */
    inceptionV3: {
      readonly images: HostArray;
      /** All 94, in creation order. */
      readonly convolutions: readonly ConvolutionWeights[];
    };
  }
}

/**
 * Weights of the whole network, drawn: the shipped file ends at mixed7, and the time depends on shapes alone. Their scale
 * keeps the activations of all blocks of one size, so that outputs can be compared.
 */
export function drawnConvolutions(side = 299): ConvolutionWeights[] {
  return placeNetwork(side).convolutions.map(({ convolution }, index) => ({
    ...convolution,
    kernelData: heWeights(convolution.kernel, 2 * index).data,
    bias: uniform([convolution.kernel[3]], 2 * index + 1, -0.1, 0.1).data,
  }));
}

const side = 299;

function inceptionCase(batch: number): Case {
  const { convolutions, stages } = placeNetwork(side);
  const kernels = convolutions.map(({ convolution }) => convolution.kernel);
  return {
    name: `inception-v3/batch-${batch}`,
    group: 'InceptionV3',
    flops: batch * convolutions.reduce((sum, placed) => sum + convolutionFlops(placed), 0),
    // The weights once, the images in, the features out.
    bytes:
      bytesOf(...kernels, ...kernels.map(([, , , filters]) => [filters])) +
      batch * bytesOf([side, side, 3], stages.get('mixed10') as readonly number[]),
    quick: false,
    // 47 convolutions lie one upon another: golden numbers of three engines differ by 1e-6 to 3e-5 of the largest activation.
    tolerance: 1e-4,
    workload: () => ({
      kind: 'inceptionV3',
      images: uniform([batch, side, side, 3], 1000),
      convolutions: drawnConvolutions(),
    }),
  };
}

/** The whole network on photographs, one and several at once. */
export function inceptionCases(): Case[] {
  return [1, 8, 32].map(inceptionCase);
}
