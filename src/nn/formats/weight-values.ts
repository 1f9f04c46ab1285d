import { FormatError } from '../../kernels/op/errors.ts';
import { float16Value } from './float16.ts';
import type { WeightArray } from './weights.ts';

/** Weights of which a root is taken, or by which is divided: what their values must be. */
const ranges: readonly { name: RegExp; holds: (value: number) => boolean; expected: string }[] = [
  { name: /moving_?variance$/i, holds: (value) => value >= 0, expected: 'a variance is 0 or more' },
  { name: /(^|\.)deviation$/, holds: (value) => value > 0, expected: 'a deviation is above 0' },
];

/**
 * Gives the weight back if all of its values are numbers. One NaN among them makes every sentence empty or its score
 * NaN, and nothing in between would say why. Encoded weights are not decoded for it: 33 MB of float16 take 7 ms.
 * @param file name of the file that it was read from, or null where it is about to be saved
 * @throws FormatError with the place of the first NaN or infinity, or of a variance below 0 or a deviation of 0.
 */
export function checkedWeight<Weight extends WeightArray>(weight: Weight, file: string | null): Weight {
  const { encoded } = weight;
  if (encoded?.type === 'float16') {
    if (hasFullExponent(encoded.values, halves)) refuse(weight, Number.isFinite, 'weights are numbers', file);
  } else if (encoded) {
    // The encoding is monotone, so no value lies beyond these two.
    const { scale, minimum, type } = encoded;
    const ends = [minimum, minimum + scale * (type === 'uint8' ? 255 : 65535)].map(Math.fround);
    if (!ends.every(Number.isFinite)) {
      throw faulty(
        weight,
        `is stored as integers of scale ${scale} from ${minimum} on, beyond float32`,
        file,
      );
    }
  } else if (weight.data instanceof Float32Array && hasFullExponent(weight.data, floats)) {
    refuse(weight, Number.isFinite, 'weights are numbers', file);
  }
  for (const { name, holds, expected } of ranges) {
    if (name.test(weight.name)) refuse(weight, holds, expected, file);
  }
  return weight;
}

/** Throws for the first value that is not as expected, if there is one. */
function refuse(
  weight: WeightArray,
  holds: (value: number) => boolean,
  expected: string,
  file: string | null,
): void {
  const { data } = weight;
  const index = (data as Float32Array).findIndex((value) => !holds(value));
  if (index >= 0) throw faulty(weight, `holds ${data[index]} at index ${index}, but ${expected}`, file);
}

function faulty({ name }: WeightArray, fault: string, file: string | null): FormatError {
  if (file === null)
    return new FormatError(`nothing is saved: weight ${name} ${fault}; train again with a lower rate`);
  return new FormatError(
    `${file}: weight ${name} ${fault}; the file is damaged, or the training that wrote it diverged: get an intact copy, or train again with a lower rate`,
  );
}

/** Where in 32 bits the exponents of floating-point numbers lie: their bits, the lowest of each, and the bit above. */
interface Layout {
  readonly exponent: number;
  readonly lowest: number;
  readonly above: number;
}

const halves: Layout = { exponent: 0x7c007c00, lowest: 0x04000400, above: 0x80008000 };
const floats: Layout = { exponent: 0x7f800000, lowest: 0x00800000, above: 0x80000000 };

/**
 * Whether a number is a NaN or an infinity, which alone have all bits of the exponent set: one more then overflows into
 * the bit above. Two halves at once and four steps in a turn take a third of the time of a plain loop.
 */
function hasFullExponent(values: Uint16Array | Float32Array, { exponent, lowest, above }: Layout): boolean {
  const aligned = values.byteOffset % 4 === 0 ? values : values.slice();
  const count = Math.floor(aligned.byteLength / 4);
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, count);
  const whole = count - (count % 4);
  let sums = 0;
  for (let i = 0; i < whole; i += 4) {
    sums |=
      ((words[i] & exponent) + lowest) |
      ((words[i + 1] & exponent) + lowest) |
      ((words[i + 2] & exponent) + lowest) |
      ((words[i + 3] & exponent) + lowest);
  }
  for (let i = whole; i < count; i++) sums |= (words[i] & exponent) + lowest;
  if ((sums & above) !== 0) return true;
  const rest = values instanceof Uint16Array ? values.subarray(2 * count) : [];
  return Array.from(rest, float16Value).some((value) => !Number.isFinite(value));
}
