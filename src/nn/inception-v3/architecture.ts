/**
 * InceptionV3 as data: Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision"
 * (arXiv 1512.00567), in the form of Keras Applications, whose weights it loads. Convolutions stand in the order in
 * which Keras creates them, so that number n here is the n-th of `conv2d_*` there (1 … 94).
 */
export type Step =
  | {
      readonly kind: 'convolution';
      readonly filters: number;
      readonly size: Size;
      readonly stride: 1 | 2;
      readonly padding: 'same' | 'valid';
    }
  | { readonly kind: 'maxPool' }
  | { readonly kind: 'averagePool' }
  | { readonly kind: 'split'; readonly branches: readonly Branch[] };

export type Size = readonly [height: number, width: number];
export type Branch = readonly Step[];

/** A stage of the network. A stage of one branch is a chain; several branches are concatenated along channels. */
export interface Stage {
  readonly name: string;
  readonly branches: readonly Branch[];
}

export interface Convolution {
  /** [height, width, input channels, output channels] */
  readonly kernel: readonly [number, number, number, number];
  readonly stride: 1 | 2;
  readonly padding: 'same' | 'valid';
  /** The stage that it belongs to. */
  readonly stage: string;
}

export const inputChannels = 3;

const convolution = (filters: number, height: number, width = height): Step => ({
  kind: 'convolution',
  filters,
  size: [height, width],
  stride: 1,
  padding: 'same',
});
const valid = (filters: number, size: number): Step => ({
  kind: 'convolution',
  filters,
  size: [size, size],
  stride: 1,
  padding: 'valid',
});
const halving = (filters: number): Step => ({
  kind: 'convolution',
  filters,
  size: [3, 3],
  stride: 2,
  padding: 'valid',
});
const split = (...branches: Branch[]): Step => ({ kind: 'split', branches });
/** 3×3, stride 2, 'valid'. */
const maxPool: Step = { kind: 'maxPool' };
/** 3×3, stride 1, 'same', padding not counted. */
const averagePool: Step = { kind: 'averagePool' };

const block35 = (name: string, poolFilters: number): Stage => ({
  name,
  branches: [
    [convolution(64, 1)],
    [convolution(48, 1), convolution(64, 5)],
    [convolution(64, 1), convolution(96, 3), convolution(96, 3)],
    [averagePool, convolution(poolFilters, 1)],
  ],
});

const block17 = (name: string, width: number): Stage => ({
  name,
  branches: [
    [convolution(192, 1)],
    [convolution(width, 1), convolution(width, 1, 7), convolution(192, 7, 1)],
    [
      convolution(width, 1),
      convolution(width, 7, 1),
      convolution(width, 1, 7),
      convolution(width, 7, 1),
      convolution(192, 1, 7),
    ],
    [averagePool, convolution(192, 1)],
  ],
});

const block8 = (name: string): Stage => ({
  name,
  branches: [
    [convolution(320, 1)],
    [convolution(384, 1), split([convolution(384, 1, 3)], [convolution(384, 3, 1)])],
    [convolution(448, 1), convolution(384, 3), split([convolution(384, 1, 3)], [convolution(384, 3, 1)])],
    [averagePool, convolution(192, 1)],
  ],
});

export const stages: readonly Stage[] = [
  { name: 'stem1', branches: [[halving(32), valid(32, 3), convolution(64, 3), maxPool]] },
  { name: 'stem2', branches: [[valid(80, 1), valid(192, 3), maxPool]] },
  block35('mixed0', 32),
  block35('mixed1', 64),
  block35('mixed2', 64),
  {
    name: 'mixed3',
    branches: [[halving(384)], [convolution(64, 1), convolution(96, 3), halving(96)], [maxPool]],
  },
  block17('mixed4', 128),
  block17('mixed5', 160),
  block17('mixed6', 160),
  block17('mixed7', 192),
  {
    name: 'mixed8',
    branches: [
      [convolution(192, 1), halving(320)],
      [convolution(192, 1), convolution(192, 1, 7), convolution(192, 7, 1), halving(192)],
      [maxPool],
    ],
  },
  block8('mixed9'),
  block8('mixed10'),
];

/** All 94 convolutions in creation order, and the channels that each stage puts out. */
export const { convolutions, stageChannels } = survey();

/** The convolution, counted from 1, that a weight such as `conv2d_7.kernel` or `batch_normalization_7.beta` is of; NaN of others. */
export function convolutionOf(weight: string): number {
  return Number(/^(?:conv2d|batch_normalization)_(\d+)\./.exec(weight)?.[1] ?? Number.NaN);
}

function survey(): { convolutions: readonly Convolution[]; stageChannels: ReadonlyMap<string, number> } {
  const found: Convolution[] = [];
  const channelsOf = new Map<string, number>();
  const walk = (branch: Branch, entering: number, stage: string): number => {
    let channels = entering;
    for (const step of branch) {
      if (step.kind === 'convolution') {
        const { filters, size, stride, padding } = step;
        found.push({ kernel: [size[0], size[1], channels, filters], stride, padding, stage });
        channels = filters;
      } else if (step.kind === 'split') {
        const into = channels;
        channels = step.branches.reduce((sum, inner) => sum + walk(inner, into, stage), 0);
      }
    }
    return channels;
  };
  let channels = inputChannels;
  for (const stage of stages) {
    const into = channels;
    channels = stage.branches.reduce((sum, branch) => sum + walk(branch, into, stage.name), 0);
    channelsOf.set(stage.name, channels);
  }
  return { convolutions: found, stageChannels: channelsOf };
}

/**
 * Where the places of a block's square grid lie in the image, in pixels: the centre of the first one's window, and the
 * way to the next. Nothing is padded up to the grid, so the first centre is not half a step from the edge (mixed7 of 299
 * pixels: centres 21 to 277, every 16).
 */
export function gridPlacement(block: string): { readonly first: number; readonly step: number } {
  const number = Number(block.replace('mixed', ''));
  if (number < 3) return { first: 13, step: 8 };
  return number < 8 ? { first: 21, step: 16 } : { first: 37, step: 32 };
}

/**
 * Side of the square grid that a stage ('stem1' … 'mixed10') makes of a square image, 0 where the image is too small:
 * the stem's and the halving blocks' 'valid' windows of 3 (299 → 73, 35, 17, 8).
 */
export function gridSide(imageSide: number, stage: string): number {
  const halve = (side: number) => Math.floor((side - 3) / 2) + 1;
  const stem1 = halve(halve(imageSide) - 2);
  const stem2 = halve(stem1 - 2);
  const sides: Readonly<Record<string, number>> = { stem1, stem2 };
  const number = Number(stage.replace('mixed', ''));
  return Math.max(0, sides[stage] ?? (number < 3 ? stem2 : number < 8 ? halve(stem2) : halve(halve(stem2))));
}
