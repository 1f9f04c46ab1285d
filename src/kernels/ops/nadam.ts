import source from '../../../shaders/nadam.wgsl';
import type { OpDefinition } from '../op/op.ts';
import { inferMoments, type MomentAttributes, momentSamples, momentsLaunch } from '../parts/moments.ts';

export interface NadamAttributes extends MomentAttributes {
  /** Product of nadamMomentum(beta1, 1 … step), which the optimiser carries along. */
  readonly momentumProduct: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    nadam: NadamAttributes;
  }
}

/** The momentum of an update: μ = β₁ (1 − 0.5 · 0.96^(0.004 step)), the schedule of Dozat with Keras's constants. */
export function nadamMomentum(beta1: number, step: number): number {
  return beta1 * (1 - 0.5 * 0.96 ** (0.004 * step));
}

/** Factors of the update: parameter −= (ofGradient g + ofMean m′) / (√(v′ / correction) + ε). */
function factorsOf(attributes: NadamAttributes): { ofGradient: number; ofMean: number; correction: number } {
  const { learningRate, beta1, beta2, step, momentumProduct } = attributes;
  const momentum = nadamMomentum(beta1, step);
  const following = nadamMomentum(beta1, step + 1);
  return {
    ofGradient: (learningRate * (1 - momentum)) / (1 - momentumProduct),
    ofMean: (learningRate * following) / (1 - momentumProduct * following),
    correction: 1 - beta2 ** step,
  };
}

/** One update of Nadam, Adam with Nesterov momentum (Dozat 2016), with the momentum schedule of Keras. */
export const nadam: OpDefinition<NadamAttributes> = {
  name: 'nadam',
  summary: 'parameter, gradient, m, v [...] -> updated parameter, m, v',
  infer: (inputs) => inferMoments('nadam', inputs),
  cpu({ inputs: [p, g, m, v], outputs: [nextP, nextM, nextV], attributes }) {
    const { beta1, beta2, epsilon } = attributes;
    const { ofGradient, ofMean, correction } = factorsOf(attributes);
    for (let i = 0; i < nextP.length; i++) {
      const slope = g[i];
      const mean = beta1 * m[i] + (1 - beta1) * slope;
      const square = beta2 * v[i] + (1 - beta2) * slope * slope;
      nextM[i] = mean;
      nextV[i] = square;
      nextP[i] = p[i] - (ofGradient * slope + ofMean * mean) / (Math.sqrt(square / correction) + epsilon);
    }
  },
  wgsl: (call) => [momentsLaunch({ name: 'nadam', source }, factorsOf(call.attributes), call)],
  gradient: 'none',
  samples: () =>
    [1, 2, 500].map((step) => {
      let momentumProduct = 1;
      for (let before = 1; before <= step; before++) momentumProduct *= nadamMomentum(0.9, before);
      return {
        name: `step ${step}`,
        inputs: momentSamples(),
        attributes: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, step, momentumProduct },
      };
    }),
};
