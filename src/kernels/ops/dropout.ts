import source from '../../../shaders/dropout.wgsl';
import { checkDType, checkInputCount } from '../op/checks.ts';
import { UnsupportedError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { elementCount } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { elementUnits, UNIT_ELEMENTS } from '../parts/simd-units.ts';

export interface DropoutAttributes {
  /** Part of the elements that become zero, from 0 up to but not 1. */
  readonly rate: number;
  /** Any whole number; the same seed drops the same elements, on every device. */
  readonly seed: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    dropout: DropoutAttributes;
  }
}

/** PCG hash of 32 bits (Jarzynski and Olano, Hash Functions for GPU Rendering, JCGT 9(3), 2020). */
function pcg(value: number): number {
  const state = (Math.imul(value, 747796405) + 2891336453) | 0;
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737);
  return (word >>> 22) ^ word;
}

/** Two keys, so that one seed's sequence is not a shifted copy of another's, and the count below which to drop. */
function keysOf({ rate, seed }: DropoutAttributes): { key0: number; key1: number; threshold: number } {
  const key0 = pcg(seed | 0);
  const threshold = Math.min(0xffffffff, Math.round(rate * 4294967296));
  return { key0: key0 >>> 0, key1: pcg(key0) >>> 0, threshold };
}

/** Inverted dropout (Srivastava et al. 2014): elements dropped by a generator that counts, the others scaled up. */
export const dropout: OpDefinition<DropoutAttributes> = {
  name: 'dropout',
  summary:
    'x [...] -> [...]: each element zero with probability `rate`, else divided by 1 − rate; fixed by `seed`',
  infer(inputs, { rate }) {
    checkInputCount('dropout', inputs, 1);
    checkDType('dropout', 'x', inputs[0], 'float32');
    if (!(rate >= 0 && rate < 1)) {
      throw new UnsupportedError(`dropout: rate ${rate} given, expected 0 up to but not 1`);
    }
    return [inputs[0]];
  },
  cpu({ inputs: [x], outputs: [y], attributes }) {
    const { key0, key1, threshold } = keysOf(attributes);
    const scale = 1 / (1 - attributes.rate);
    for (let i = 0; i < y.length; i++) {
      const hash = pcg(pcg(i ^ key0) ^ key1) >>> 0;
      y[i] = hash < threshold ? 0 : x[i] * scale;
    }
  },
  simd({ inputs: [x], outputs: [y], outputSpecs, attributes, run }) {
    const count = elementCount(outputSpecs[0].shape);
    if (count < 4) return false;
    const { key0, key1, threshold } = keysOf(attributes);
    const scale = 1 / (1 - attributes.rate);
    run('dropout', [x, y, count, key0, key1, threshold, scale], elementUnits(count), 2 * UNIT_ELEMENTS);
    return true;
  },
  wgsl({ outputs, attributes, adapter }) {
    const count = elementCount(outputs[0].shape);
    return [
      {
        shader: { name: 'dropout', source },
        uniforms: { count, scale: 1 / (1 - attributes.rate), ...keysOf(attributes) },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: (context) => [context.run('dropout', [context.gradients[0]], context.attributes)],
  samples: () => [
    { name: 'half', inputs: [floatSample([20, 31], 1)], attributes: { rate: 0.5, seed: 42 } },
    { name: 'large seed', inputs: [floatSample([90], 2)], attributes: { rate: 0.15, seed: 4294967295 } },
    { name: 'none', inputs: [floatSample([9], 3)], attributes: { rate: 0, seed: 7 } },
    { name: 'nearly all', inputs: [floatSample([70], 4)], attributes: { rate: 0.99, seed: 1 } },
  ],
};
