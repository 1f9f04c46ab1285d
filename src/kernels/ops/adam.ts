import source from '../../../shaders/adam.wgsl';
import type { OpDefinition } from '../op/op.ts';
import { elementCount } from '../op/spec.ts';
import { inferMoments, type MomentAttributes, momentSamples, momentsLaunch } from '../parts/moments.ts';
import { elementUnits, UNIT_ELEMENTS } from '../parts/simd-units.ts';

export interface AdamAttributes extends MomentAttributes {
  /** Part of the parameter that is taken away at every update, times the learning rate; 0 by default. */
  readonly weightDecay?: number;
}

declare module '../op/op.ts' {
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
  infer: (inputs) => inferMoments('adam', inputs),
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
  wgsl(call) {
    const { attributes } = call;
    const uniforms = { rate: correctedRate(attributes), decay: decayedPart(attributes) };
    return [momentsLaunch({ name: 'adam', source }, uniforms, call)];
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
      inputs: momentSamples(),
      attributes: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, ...attributes },
    })),
};
