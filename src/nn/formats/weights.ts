import { FormatError } from '../../kernels/op/errors.ts';
import { float16Bits, float16ToFloat32, largestFloat16 } from './float16.ts';

/**
 * How a weight lies in its file when that is not plain float32 or int32. The integers of the two affine encodings
 * stand for `value * scale + minimum`, with one scale and minimum for the whole array (as tfjs layers-models have it).
 */
export type EncodedValues =
  | { readonly type: 'float16'; readonly values: Uint16Array }
  | { readonly type: 'uint8'; readonly values: Uint8Array; readonly scale: number; readonly minimum: number }
  | {
      readonly type: 'uint16';
      readonly values: Uint16Array;
      readonly scale: number;
      readonly minimum: number;
    };

/** One named array of a model file, row-major. A plain `{ name, shape, data }` is a complete one. */
export interface WeightArray {
  readonly name: string;
  readonly shape: readonly number[];
  /**
   * The values as numbers. Of an encoded weight they are decoded afresh at every read, so that a model of 22 MB does
   * not grow to 110 MB while it loads: read it once and keep the result.
   */
  readonly data: Float32Array | Int32Array;
  /** The values as the file has them; kept so that a conversion passes them on without further loss. */
  readonly encoded?: EncodedValues;
}

/** Weights by name; their order means nothing. */
export type Weights = Map<string, WeightArray>;

/** How floating-point weights are to be stored. */
export type WeightEncoding = 'float32' | EncodedValues['type'];

/** A weight whose values are decoded when `data` is read. */
export function encodedWeight(name: string, shape: readonly number[], encoded: EncodedValues): WeightArray {
  return {
    name,
    shape,
    encoded,
    get data() {
      return decode(encoded);
    },
  };
}

/** The same weight, values and encoding untouched, under another name. */
export function renamed(weight: WeightArray, name: string): WeightArray {
  if (weight.encoded) return encodedWeight(name, weight.shape, weight.encoded);
  return { name, shape: weight.shape, data: weight.data };
}

function decode(encoded: EncodedValues): Float32Array {
  if (encoded.type === 'float16') return float16ToFloat32(encoded.values);
  const { values, scale, minimum } = encoded;
  const data = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) data[i] = values[i] * scale + minimum;
  return data;
}

/**
 * The weight stored in fewer bits. uint8 and uint16 are affine with the array's own minimum and range, so the error of
 * one value is at most half a step, (largest - smallest) / 255 / 2 or / 65535 / 2. A weight that is encoded already,
 * or holds integers, is returned as it is: encoding it twice would only lose more.
 * @throws FormatError when a value is not finite, or too large for float16.
 */
export function encodeWeight(weight: WeightArray, encoding: WeightEncoding): WeightArray {
  if (encoding === 'float32' || weight.encoded || weight.data instanceof Int32Array) return weight;
  const { name, shape, data } = weight;
  if (encoding === 'float16') {
    const values = new Uint16Array(data.length);
    for (let i = 0; i < data.length; i++) {
      if (!(Math.abs(data[i]) <= largestFloat16)) {
        throw new FormatError(
          `weight ${name} holds ${data[i]}, but float16 reaches only ±${largestFloat16}: store it as float32`,
        );
      }
      values[i] = float16Bits(data[i]);
    }
    return encodedWeight(name, shape, { type: 'float16', values });
  }
  const [minimum, maximum] = finiteRange(weight.name, data);
  const steps = encoding === 'uint8' ? 255 : 65535;
  // A constant array has no range; any scale but 0 stores it exactly.
  const scale = maximum > minimum ? (maximum - minimum) / steps : 1;
  if (encoding === 'uint8') {
    const values = new Uint8Array(data.length);
    quantiseInto(values, data, scale, minimum);
    return encodedWeight(name, shape, { type: 'uint8', values, scale, minimum });
  }
  const values = new Uint16Array(data.length);
  quantiseInto(values, data, scale, minimum);
  return encodedWeight(name, shape, { type: 'uint16', values, scale, minimum });
}

function quantiseInto(
  values: Uint8Array | Uint16Array,
  data: Float32Array,
  scale: number,
  minimum: number,
): void {
  for (let i = 0; i < data.length; i++) values[i] = Math.round((data[i] - minimum) / scale);
}

function finiteRange(name: string, data: Float32Array): [number, number] {
  let minimum = data.length ? data[0] : 0;
  let maximum = minimum;
  for (const value of data) {
    if (!Number.isFinite(value)) {
      throw new FormatError(
        `weight ${name} holds ${value}, which no integer encoding can store: mend the file`,
      );
    }
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
  }
  return [minimum, maximum];
}

/** Weights keyed by their names. @throws FormatError when a name occurs twice. */
export function weightsByName(arrays: Iterable<WeightArray>): Weights {
  const weights: Weights = new Map();
  for (const array of arrays) {
    if (weights.has(array.name))
      throw new FormatError(`two weights are named ${array.name}: names must differ`);
    weights.set(array.name, array);
  }
  return weights;
}
