import { ShapeError } from '../kernels/op/errors.ts';
import { elementCount, type Shape } from '../kernels/op/spec.ts';
import type { Random } from './random.ts';

/** Makes the first values of a weight. Names, fans and constants are those of Keras 2. */
export type Initialiser = (shape: Shape, random: Random) => Float32Array;

/** The first values of a weight; zeros without a generator, for a model whose weights are loaded afterwards. */
export function initialise(initialiser: Initialiser, shape: Shape, random: Random | null): Float32Array {
  return random ? initialiser(shape, random) : new Float32Array(elementCount(shape));
}

export const zeros: Initialiser = (shape) => new Float32Array(elementCount(shape));

export const ones: Initialiser = (shape) => new Float32Array(elementCount(shape)).fill(1);

export const constant =
  (value: number): Initialiser =>
  (shape) =>
    new Float32Array(elementCount(shape)).fill(value);

export const randomUniform =
  (low = -0.05, high = 0.05): Initialiser =>
  (shape, random) =>
    fill(shape, () => random.uniform(low, high));

export const randomNormal =
  (mean = 0, deviation = 0.05): Initialiser =>
  (shape, random) =>
    fill(shape, () => random.normal(mean, deviation));

/** Normal, drawn again beyond two deviations. */
export const truncatedNormal =
  (mean = 0, deviation = 0.05): Initialiser =>
  (shape, random) =>
    fill(shape, () => {
      let value = random.normal();
      while (Math.abs(value) > 2) value = random.normal();
      return mean + deviation * value;
    });

/** Uniform within ±√(6 / (fan in + fan out)) (Glorot and Bengio 2010). */
export const glorotUniform: Initialiser = scaledUniform((into, out) => (into + out) / 2, 1);
/** Truncated normal of variance 2 / (fan in + fan out) (Glorot and Bengio 2010). */
export const glorotNormal: Initialiser = scaledNormal((into, out) => (into + out) / 2, 1);
/** Uniform within ±√(6 / fan in) (He et al. 2015). */
export const heUniform: Initialiser = scaledUniform((into) => into, 2);
/** Truncated normal of variance 2 / fan in (He et al. 2015). */
export const heNormal: Initialiser = scaledNormal((into) => into, 2);
/** Uniform within ±√(3 / fan in) (LeCun et al. 1998). */
export const lecunUniform: Initialiser = scaledUniform((into) => into, 1);
/** Truncated normal of variance 1 / fan in (LeCun et al. 1998). */
export const lecunNormal: Initialiser = scaledNormal((into) => into, 1);

/**
 * Rows or columns orthonormal times `gain` (Saxe et al. 2013), all dimensions but the last taken as rows: a normal
 * matrix orthogonalised by modified Gram–Schmidt in float64, twice, which keeps the columns orthogonal to rounding.
 */
export const orthogonal =
  (gain = 1): Initialiser =>
  (shape, random) => {
    if (shape.length < 2)
      throw new ShapeError(`orthogonal: [${shape.join(', ')}] has fewer than two dimensions`);
    const columns = shape[shape.length - 1];
    const rows = elementCount(shape) / columns;
    const count = Math.min(rows, columns);
    const length = Math.max(rows, columns);
    const vectors = Array.from({ length: count }, () => Float64Array.from({ length }, () => random.normal()));
    for (let index = 0; index < count; index++) orthonormalise(vectors, index);
    const matrix = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        matrix[row * columns + column] =
          gain * (rows >= columns ? vectors[column][row] : vectors[row][column]);
      }
    }
    return matrix;
  };

function orthonormalise(vectors: Float64Array[], index: number): void {
  const vector = vectors[index];
  for (let pass = 0; pass < 2; pass++) {
    for (let earlier = 0; earlier < index; earlier++) {
      const other = vectors[earlier];
      let product = 0;
      for (let i = 0; i < vector.length; i++) product += vector[i] * other[i];
      for (let i = 0; i < vector.length; i++) vector[i] -= product * other[i];
    }
  }
  let squares = 0;
  for (const value of vector) squares += value * value;
  const norm = Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i] /= norm;
}

/** Keras's fans: the last two dimensions times the receptive field of the others. */
function fans(shape: Shape): [into: number, out: number] {
  if (shape.length === 0) return [1, 1];
  if (shape.length === 1) return [shape[0], shape[0]];
  const field = elementCount(shape.slice(0, -2));
  return [shape[shape.length - 2] * field, shape[shape.length - 1] * field];
}

type Fan = (into: number, out: number) => number;

function scaledUniform(fan: Fan, scale: number): Initialiser {
  return (shape, random) => {
    const limit = Math.sqrt((3 * scale) / Math.max(1, fan(...fans(shape))));
    return randomUniform(-limit, limit)(shape, random);
  };
}

function scaledNormal(fan: Fan, scale: number): Initialiser {
  return (shape, random) => {
    // The deviation of a normal cut at two deviations is 0.87962566 of the whole one's; Keras divides by it.
    const deviation = Math.sqrt(scale / Math.max(1, fan(...fans(shape)))) / 0.87962566103423978;
    return truncatedNormal(0, deviation)(shape, random);
  };
}

function fill(shape: Shape, draw: () => number): Float32Array {
  return Float32Array.from({ length: elementCount(shape) }, draw);
}
