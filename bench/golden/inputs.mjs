import * as tf from '@tensorflow/tfjs-core';
import { float32Decimal } from './tfjs.mjs';

/** Multiples of 1/512 in [-scale, scale] that depend on `seed` and the position alone: exact in float32. */
export function values(shape, seed, scale = 1) {
  const count = shape.reduce((product, side) => product * side, 1);
  const steps = 1024 * scale + 1;
  const data = Array.from({ length: count }, (_, i) => {
    const mixed = Math.imul((i + 1) * 40_503 + seed * 9_973, 2_654_435_761) >>> 8;
    return (mixed % steps) / 512 - scale;
  });
  return { shape, data };
}

/** A tfjs tensor of a stored input. */
export const tensor = ({ shape, data }, dtype = 'float32') => tf.tensor(data, shape, dtype);

/** A tfjs tensor as it is stored: shape, and decimals that read back as the same float32. */
export const stored = (result) => ({
  shape: result.shape,
  data: Array.from(result.dataSync(), float32Decimal),
});

/** JSON with every list of numbers on one line, so that a change is a short diff. */
export const compactJson = (value) =>
  `${JSON.stringify(value, null, 1).replace(/\[[-\d.,e\s]*\]/g, (list) => list.replace(/\s+/g, ''))}\n`;
