import type { HostArray } from '../workload.ts';
import { bytesOf, uniform } from './seeded-array.ts';

/** Sizes of a decoder without attention: a projection of the image's features, and an LSTM that is fed it and the word. */
export interface CellSizes {
  /** Of the image's features. */
  readonly channels: number;
  /** Of their projection, which enters the LSTM at every step. */
  readonly encoding: number;
  readonly embedding: number;
  readonly units: number;
  readonly vocabulary: number;
}

/** The captioner that comes with this project, with the vocabulary of a large data set in place of its own 2,912 words. */
export const shippedCell: CellSizes = {
  channels: 1536,
  encoding: 256,
  embedding: 256,
  units: 512,
  vocabulary: 10_001,
};

/** Weights by the names of a captioner folder's decoder file, kernels [in, out] as Keras has them. */
export type CellWeights = Readonly<Record<CellWeightName, HostArray & { readonly data: Float32Array }>>;

export type CellWeightName =
  | 'projection.kernel'
  | 'projection.bias'
  | 'initialHidden.kernel'
  | 'initialHidden.bias'
  | 'initialCell.kernel'
  | 'initialCell.bias'
  | 'embedding.embeddings'
  | 'lstm.kernel'
  | 'lstm.recurrentKernel'
  | 'lstm.bias'
  | 'output.kernel'
  | 'output.bias';

/** Ids with a part of their own, as Keras's tokeniser numbers them. */
export const padding = 0;
export const unknownWord = 1;
export const startWord = 2;
export const endWord = 3;

/** Scale of a weight, times 1 / √(fan in) where it is a kernel. */
const scales: Record<CellWeightName, number> = {
  'projection.kernel': 2,
  'projection.bias': 0.1,
  'initialHidden.kernel': 1,
  'initialHidden.bias': 0.1,
  'initialCell.kernel': 1,
  'initialCell.bias': 0.1,
  // Strong words and a strong recurrence, so that the sentence does not fall into repeating one word.
  'embedding.embeddings': 3,
  'lstm.kernel': 3,
  'lstm.recurrentKernel': 3,
  'lstm.bias': 0.5,
  // A wide spread of scores, so that the order of the best words does not hang on rounding.
  'output.kernel': 8,
  'output.bias': 0.5,
};

function shapes({
  channels,
  encoding,
  embedding,
  units,
  vocabulary,
}: CellSizes): Record<CellWeightName, number[]> {
  return {
    'projection.kernel': [channels, encoding],
    'projection.bias': [encoding],
    'initialHidden.kernel': [encoding, units],
    'initialHidden.bias': [units],
    'initialCell.kernel': [encoding, units],
    'initialCell.bias': [units],
    'embedding.embeddings': [vocabulary, embedding],
    'lstm.kernel': [encoding + embedding, 4 * units],
    'lstm.recurrentKernel': [units, 4 * units],
    'lstm.bias': [4 * units],
    'output.kernel': [units, vocabulary],
    'output.bias': [vocabulary],
  };
}

/**
 * Weights of a cell, drawn. With `endless`, no sentence ends and no word without meaning is taken: the biases of those
 * four words are −1000, so that every engine decodes the same number of words without a mask of its own.
 */
export function drawnCell(sizes: CellSizes, { endless = false } = {}): CellWeights {
  const entries = Object.entries(shapes(sizes)).map(([name, shape], index) => {
    const scale = scales[name as CellWeightName];
    const limit = name.endsWith('ernel') ? scale / Math.sqrt(shape[0]) : scale;
    return [name, uniform(shape, 500 + index, -limit, limit)] as const;
  });
  const weights = Object.fromEntries(entries) as Record<CellWeightName, (typeof entries)[number][1]>;
  if (endless) weights['output.bias'].data.fill(-1000, padding, endWord + 1);
  return weights;
}

/** Bytes of all weights of a cell but the word vectors, of which a step reads one row a sentence. */
export function cellBytes(sizes: CellSizes): number {
  const { 'embedding.embeddings': _, ...others } = shapes(sizes);
  return bytesOf(...Object.values(others));
}

/** Floating-point operations of one word of one sentence. */
export function stepFlops({ embedding, units, vocabulary }: CellSizes): number {
  return 2 * ((embedding + units) * 4 * units + units * vocabulary);
}

/** Floating-point operations of what is done once for an image: projection, first state, its part of the gates. */
export function encodingFlops({ channels, encoding, units }: CellSizes): number {
  return 2 * (channels * encoding + 2 * encoding * units + encoding * 4 * units);
}
