import source from '../../../shaders/adam.wgsl';
import { checkAlike, checkInputCount } from '../checks.ts';
import { elementUnits, UNIT_ELEMENTS } from '../cpu/units.ts';
import { linearGrid, WORKGROUP_SIZE } from '../grid.ts';
import type { OpDefinition } from '../op.ts';
import { floatSample } from '../samples.ts';
import { elementCount } from '../spec.ts';

export interface AdamAttributes {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Number of this update, from 1. */
  readonly step: number;
  /** Part of the parameter that is taken away at every update, times the learning rate; 0 by default. */
  readonly weightDecay?: number;
}

declare module '../op.ts' {
  interface OpAttributes {
    adam: AdamAttributes;
  }
}

function correctedRate({ learningRate, beta1, beta2, step }: AdamAttributes): number {
  return (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
}

/** What the decay takes of a parameter. It has no bias corrections and does not enter the moments. */
function decayedPart({ learningRate, weightDecay = 0 }: AdamAttributes): number {
  return learningRate * weightDecay;
}

/**
 * One update of Adam (Kingma and Ba 2015) in the form of Keras: the bias corrections are folded into the learning
 * rate, so that epsilon is the paper's ε̂. With `weightDecay` it is AdamW (Loshchilov and Hutter 2019).
 */
export const adam: OpDefinition<AdamAttributes> = {
  name: 'adam',
  summary: 'parameter, gradient, m, v [...] -> updated parameter, m, v',
  infer(inputs) {
    checkInputCount('adam', inputs, 4);
    checkAlike('adam', inputs);
    return [inputs[0], inputs[2], inputs[3]];
  },
  cpu({ inputs: [p, g, m, v], outputs: [nextP, nextM, nextV], attributes }) {
    const { beta1, beta2, epsilon } = attributes;
    const rate = correctedRate(attributes);
    const decay = decayedPart(attributes);
    for (let i = 0; i < nextP.length; i++) {
      const slope = g[i];
      const mean = beta1 * m[i] + (1 - beta1) * slope;
      const square = beta2 * v[i] + (1 - beta2) * slope * slope;
      nextM[i] = mean;
      nextV[i] = square;
      nextP[i] = p[i] - ((rate * mean) / (Math.sqrt(square) + epsilon) + decay * p[i]);
    }
  },
  simd({ inputs: [p, g, m, v], outputs: [nextP, nextM, nextV], outputSpecs, attributes, run }) {
    const count = elementCount(outputSpecs[0].shape);
    if (count < 4) return false;
    const { beta1, beta2, epsilon } = attributes;
    const rate = correctedRate(attributes);
    const decay = decayedPart(attributes);
    const numbers = [rate, beta1, 1 - beta1, beta2, 1 - beta2, epsilon, decay] as const;
    const operands = [p, g, m, v, nextP, nextM, nextV, count, ...numbers] as const;
    run('adam', [...operands], elementUnits(count), 2 * UNIT_ELEMENTS);
    return true;
  },
  wgsl({ outputs, attributes, adapter }) {
    const count = elementCount(outputs[0].shape);
    const { beta1, beta2, epsilon } = attributes;
    return [
      {
        shader: { name: 'adam', source },
        uniforms: {
          count,
          rate: correctedRate(attributes),
          beta1,
          beta2,
          // Computed here: 1 - beta2 in float32 would have but four digits.
          complement1: 1 - beta1,
          complement2: 1 - beta2,
          epsilon,
          decay: decayedPart(attributes),
        },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: 'none',
  samples: () =>
    [
      { name: 'step 1', step: 1 },
      { name: 'step 3', step: 3 },
      { name: 'step 1000', step: 1000 },
      { name: 'weight decay', step: 3, weightDecay: 5 },
    ].map(({ name, ...attributes }) => ({
      name,
      inputs: [
        floatSample([5, 31], 1),
        floatSample([5, 31], 2, -0.1, 0.1),
        floatSample([5, 31], 3, -0.1, 0.1),
        floatSample([5, 31], 4, 0, 0.01),
      ],
      attributes: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, ...attributes },
    })),
};
