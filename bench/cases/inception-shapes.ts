import { type Branch, type Convolution, stages } from '../../src/nn/inception-v3/architecture.ts';

/** [height, width, channels] */
export type ImageShape = readonly [number, number, number];

export interface PlacedConvolution {
  readonly convolution: Convolution;
  readonly input: ImageShape;
  readonly output: ImageShape;
}

export interface PlacedPool {
  readonly operation: 'max' | 'average';
  readonly input: ImageShape;
  readonly output: ImageShape;
}

/** Every convolution of InceptionV3, in creation order, and every pool, with what enters and leaves it. */
export interface PlacedNetwork {
  readonly convolutions: readonly PlacedConvolution[];
  readonly pools: readonly PlacedPool[];
  /** What leaves each stage, by name. */
  readonly stages: ReadonlyMap<string, ImageShape>;
}

const windows = (side: number, size: number, stride: number, padding: 'same' | 'valid') =>
  padding === 'same' ? Math.ceil(side / stride) : Math.floor((side - size) / stride) + 1;

/** Walks the network for square images of `side` pixels. */
export function placeNetwork(side: number): PlacedNetwork {
  const convolutions: PlacedConvolution[] = [];
  const pools: PlacedPool[] = [];
  const leaving = new Map<string, ImageShape>();
  const joined = (branches: readonly Branch[], input: ImageShape, stage: string): ImageShape => {
    const outputs = branches.map((branch) => walk(branch, input, stage));
    return [outputs[0][0], outputs[0][1], outputs.reduce((sum, output) => sum + output[2], 0)];
  };
  const walk = (branch: Branch, entering: ImageShape, stage: string): ImageShape =>
    branch.reduce((input: ImageShape, step): ImageShape => {
      const [height, width, channels] = input;
      if (step.kind === 'split') return joined(step.branches, input, stage);
      if (step.kind === 'convolution') {
        const { size, stride, padding, filters } = step;
        const output: ImageShape = [
          windows(height, size[0], stride, padding),
          windows(width, size[1], stride, padding),
          filters,
        ];
        const kernel = [size[0], size[1], channels, filters] as const;
        convolutions.push({ convolution: { kernel, stride, padding, stage }, input, output });
        return output;
      }
      const halving = step.kind === 'maxPool';
      const output: ImageShape = halving
        ? [windows(height, 3, 2, 'valid'), windows(width, 3, 2, 'valid'), channels]
        : input;
      pools.push({ operation: halving ? 'max' : 'average', input, output });
      return output;
    }, entering);
  let value: ImageShape = [side, side, 3];
  for (const { name, branches } of stages) {
    value = joined(branches, value, name);
    leaving.set(name, value);
  }
  return { convolutions, pools, stages: leaving };
}

/** Floating-point operations of one convolution of one image, its bias and ReLU not counted. */
export function convolutionFlops({ convolution, output }: PlacedConvolution): number {
  const [height, width, inputs, filters] = convolution.kernel;
  return 2 * output[0] * output[1] * height * width * inputs * filters;
}
