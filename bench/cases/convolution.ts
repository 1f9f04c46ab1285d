import type { Case } from '../workload.ts';
import { convolutionFlops, type PlacedConvolution, placeNetwork } from './inception-shapes.ts';
import { bytesOf, heWeights, uniform } from './seeded-array.ts';

declare module '../workload.ts' {
  interface WorkloadKinds {
    /** relu(x ∗ kernel + bias): what a convolution of InceptionV3 is once its batch norm is folded. */
    conv2d: {
      /** [N, H, W, C] */
      readonly x: HostArray;
      /** [kh, kw, C, O] */
      readonly kernel: HostArray;
      /** [O] */
      readonly bias: HostArray;
      readonly stride: 1 | 2;
      readonly padding: 'same' | 'valid';
    };
  }
}

/** `35x35x288-3x3x384-s2`: the input, the window, the filters, and the stride where it is not 1. */
export function convolutionName({ input, convolution }: PlacedConvolution): string {
  const [height, width, , filters] = convolution.kernel;
  const stride = convolution.stride === 2 ? '-s2' : '';
  const valid = convolution.padding === 'valid' && convolution.stride === 1 && height > 1 ? '-valid' : '';
  return `${input.join('x')}-${height}x${width}x${filters}${stride}${valid}`;
}

/** One of each kind that a quick run measures: a strided stem of 3×3, 1×1, and 1×7. */
const quick = new Set(['299x299x3-3x3x32-s2', '8x8x1280-1x1x320', '17x17x128-1x7x128']);

function convolutionCase(placed: PlacedConvolution): Case {
  const { input, output, convolution } = placed;
  const { kernel, stride, padding } = convolution;
  const [filters] = kernel.slice(-1);
  const name = convolutionName(placed);
  return {
    name: `conv2d/${name}`,
    group: 'convolution',
    flops: convolutionFlops(placed),
    bytes: bytesOf(input, kernel, [filters], output),
    quick: quick.has(name),
    // Sums of up to 4,032 products in whatever order, float32.
    tolerance: 2e-5,
    workload: () => ({
      kind: 'conv2d',
      x: uniform([1, ...input], 1, 0, 1),
      kernel: heWeights(kernel, 2),
      bias: uniform([filters], 3, -0.1, 0.1),
      stride,
      padding,
    }),
  };
}

/** Every distinct convolution of InceptionV3 on one image of 299 × 299, from the input upwards. */
export function convolutionCases(): Case[] {
  const distinct = new Map<string, PlacedConvolution>();
  for (const placed of placeNetwork(299).convolutions) distinct.set(convolutionName(placed), placed);
  return [...distinct.values()].map(convolutionCase);
}
