import type { NoAttributes, OpDefinition } from '../op/op.ts';
import { elementCount } from '../op/spec.ts';
import { lastAxisVariants } from '../parts/row-kernels.ts';
import { inferSoftmax, softmaxFlops, softmaxLaunch, softmaxSamples } from './softmax.ts';
import { largestOf } from './sparse-cross-entropy.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    logSoftmax: NoAttributes;
  }
}

/** Logarithm of softmax without the detour over probabilities, which would lose the small ones. */
export const logSoftmax: OpDefinition<NoAttributes> = {
  name: 'logSoftmax',
  summary: 'x [.., N] -> [.., N]: log-probabilities over the last axis',
  infer: (inputs) => inferSoftmax('logSoftmax', inputs),
  cpu({ inputs: [x], inputSpecs: [{ shape }], outputs: [y] }) {
    const columns = shape[shape.length - 1];
    for (let from = 0; from < x.length; from += columns) {
      const end = from + columns;
      const largest = largestOf(x, from, end);
      let sum = 0;
      for (let i = from; i < end; i++) sum += Math.exp(x[i] - largest);
      const logarithm = Math.log(sum);
      for (let i = from; i < end; i++) y[i] = x[i] - largest - logarithm;
    }
  },
  simd({ inputs: [x], inputSpecs: [{ shape }], outputs: [y], run }) {
    const columns = shape[shape.length - 1];
    if (columns === 0) return false;
    run('logSoftmax', [x, y, columns], elementCount(shape) / columns, 1.5 * columns);
    return true;
  },
  variants: ({ inputs: [x], adapter }) => lastAxisVariants(x, adapter),
  wgsl: (call, variant) => [softmaxLaunch(true, call, variant)],
  flops: softmaxFlops,
  gradient(context) {
    const [g] = context.gradients;
    const total = context.run('sum', [g], { axes: [-1], keepDimensions: true });
    const probabilities = context.run('exp', [context.outputs[0]], {});
    return [context.run('subtract', [g, context.run('multiply', [probabilities, total], {})], {})];
  },
  samples: softmaxSamples,
};
