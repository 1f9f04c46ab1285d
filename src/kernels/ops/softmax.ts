import source from '../../../shaders/softmax.wgsl';
import { checkDType, checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { CallSpecs, GpuCall, Launch, NoAttributes, OpDefinition, Sample } from '../op/op.ts';
import { floatSample, valuesSample } from '../op/samples.ts';
import { describe, elementCount, type TensorSpec } from '../op/spec.ts';
import { lastAxisVariants, rowLaunch, softmaxSumHook } from '../parts/row-kernels.ts';
import { largestOf } from './sparse-cross-entropy.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    softmax: NoAttributes;
  }
}

/** Checks a tensor whose last axis is normalised. */
export function inferSoftmax(op: string, inputs: readonly TensorSpec[]): TensorSpec[] {
  checkInputCount(op, inputs, 1);
  const [x] = inputs;
  checkDType(op, 'x', x, 'float32');
  if (x.shape.length === 0) {
    throw new ShapeError(`${op}: x is ${describe(x)}, expected rank 1 or more: reshape it`);
  }
  return [x];
}

/** The launch of softmax.wgsl for softmax or its logarithm. */
export function softmaxLaunch(
  logarithm: boolean,
  { inputs: [{ shape }], adapter }: GpuCall<NoAttributes>,
  variant: string,
): Launch {
  const columns = shape[shape.length - 1];
  const rows = elementCount(shape) / columns;
  const hooks = [softmaxSumHook, { name: 'softmax', source }];
  const constants = { LOGARITHM: logarithm ? 1 : 0 };
  return rowLaunch({ rows, columns, hooks, constants }, variant, adapter);
}

/** An element is compared, shifted, exponentiated, summed, and divided or shifted once more. */
export function softmaxFlops({ inputs: [{ shape }] }: CallSpecs<NoAttributes>): number {
  return 5 * elementCount(shape);
}

export function softmaxSamples(): Sample<NoAttributes>[] {
  return [
    { name: 'rows', inputs: [floatSample([5, 93], 1, -4, 4)], attributes: {} },
    { name: 'rank 3', inputs: [floatSample([2, 3, 7], 2)], attributes: {} },
    { name: 'vector', inputs: [floatSample([10], 3)], attributes: {} },
    { name: 'long rows', inputs: [floatSample([2, 700], 5, -9, 9)], attributes: {} },
    { name: 'one class', inputs: [floatSample([3, 1], 4)], attributes: {} },
    { name: 'large', inputs: [valuesSample([2, 3], [1000, -1000, 999, -500, -501, -502])], attributes: {} },
  ];
}

/** Exponentials of the last axis divided by their sum, relative to the largest so that none overflows. */
export const softmax: OpDefinition<NoAttributes> = {
  name: 'softmax',
  summary: 'x [.., N] -> [.., N]: probabilities over the last axis',
  infer: (inputs) => inferSoftmax('softmax', inputs),
  cpu({ inputs: [x], inputSpecs: [{ shape }], outputs: [y] }) {
    const columns = shape[shape.length - 1];
    for (let from = 0; from < x.length; from += columns) {
      const end = from + columns;
      const largest = largestOf(x, from, end);
      let sum = 0;
      for (let i = from; i < end; i++) {
        const e = Math.exp(x[i] - largest);
        y[i] = e;
        sum += e;
      }
      for (let i = from; i < end; i++) y[i] /= sum;
    }
  },
  simd({ inputs: [x], inputSpecs: [{ shape }], outputs: [y], run }) {
    const columns = shape[shape.length - 1];
    if (columns === 0) return false;
    run('softmax', [x, y, columns], elementCount(shape) / columns, 1.5 * columns);
    return true;
  },
  variants: ({ inputs: [x], adapter }) => lastAxisVariants(x, adapter),
  wgsl: (call, variant) => [softmaxLaunch(false, call, variant)],
  flops: softmaxFlops,
  gradient(context) {
    const [y] = context.outputs;
    const weighted = context.run('multiply', [context.gradients[0], y], {});
    const total = context.run('sum', [weighted], { axes: [-1], keepDimensions: true });
    return [context.run('subtract', [weighted, context.run('multiply', [y, total], {})], {})];
  },
  samples: softmaxSamples,
};
