import source from '../../../shaders/batch-norm.wgsl';
import { checkDType, checkInputCount, checkShape } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { describe, elementCount } from '../op/spec.ts';
import { scalar } from '../parts/gradients.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';

export interface BatchNormAttributes {
  /** Added to the variance under the root. */
  readonly epsilon: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    batchNorm: BatchNormAttributes;
  }
}

/** Batch normalisation with given statistics (Ioffe and Szegedy 2015); Keras calls the offset beta, the scale gamma. */
export const batchNorm: OpDefinition<BatchNormAttributes> = {
  name: 'batchNorm',
  summary:
    'x [.., C], mean, variance, offset, scale? [C] -> [.., C]: (x − mean) / √(variance + ε) · scale + offset',
  infer(inputs) {
    checkInputCount('batchNorm', inputs, 4, 5);
    const [x, ...channels] = inputs;
    checkDType('batchNorm', 'x', x, 'float32');
    if (x.shape.length === 0) {
      throw new ShapeError(`batchNorm: x is ${describe(x)}, expected [.., channels]; reshape it`);
    }
    for (const [index, spec] of channels.entries()) {
      const what = ['mean', 'variance', 'offset', 'scale'][index];
      checkDType('batchNorm', what, spec, 'float32');
      checkShape('batchNorm', what, spec, x.shape.slice(-1));
    }
    return [x];
  },
  cpu({ inputs, outputs: [y], attributes: { epsilon } }) {
    const [x, mean, variance, offset, scale] = inputs;
    const channels = mean.length;
    const factor = new Float64Array(channels);
    const shift = new Float64Array(channels);
    for (let channel = 0; channel < channels; channel++) {
      factor[channel] = (scale ? scale[channel] : 1) / Math.sqrt(variance[channel] + epsilon);
      shift[channel] = offset[channel] - mean[channel] * factor[channel];
    }
    for (let from = 0; from < x.length; from += channels) {
      for (let channel = 0; channel < channels; channel++) {
        y[from + channel] = x[from + channel] * factor[channel] + shift[channel];
      }
    }
  },
  wgsl({ inputs, attributes: { epsilon }, adapter }) {
    const count = elementCount(inputs[0].shape);
    const scaled = inputs.length === 5;
    return [
      {
        shader: { name: 'batch-norm', source },
        constants: { SCALED: scaled ? 1 : 0 },
        uniforms: { count, channels: elementCount(inputs[1].shape), epsilon },
        // Without a scale its binding holds the variance, which the kernel then does not read as one.
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: 3 },
          { input: scaled ? 4 : 2 },
          { output: 0 },
        ],
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  // The factors of the channels are few, so an element costs a multiplication and an addition.
  flops: ({ inputs: [{ shape }] }) => 2 * elementCount(shape),
  gradient(context) {
    const [x, mean, variance, , scale] = context.inputs;
    const [g] = context.gradients;
    const axes = x.shape.slice(1).map((_, axis) => axis);
    const sum = (value: typeof g) => context.run('sum', [value], { axes, keepDimensions: false });
    const padded = context.run('add', [variance, scalar(context, context.attributes.epsilon)], {});
    const inverse = context.run('reciprocal', [context.run('sqrt', [padded], {})], {});
    const factor = scale ? context.run('multiply', [inverse, scale], {}) : inverse;
    const total = sum(g);
    const centred = () => context.run('subtract', [x, mean], {});
    const correlation =
      context.needs[2] || context.needs[4] ? sum(context.run('multiply', [g, centred()], {})) : null;
    const gradients = [
      context.needs[0] ? context.run('multiply', [g, factor], {}) : null,
      context.needs[1] ? context.run('negate', [context.run('multiply', [total, factor], {})], {}) : null,
      null,
      total,
    ];
    if (correlation && context.needs[2]) {
      const slope = context.run(
        'divide',
        [context.run('multiply', [factor, scalar(context, -0.5)], {}), padded],
        {},
      );
      gradients[2] = context.run('multiply', [correlation, slope], {});
    }
    if (scale) gradients.push(correlation && context.run('multiply', [correlation, inverse], {}));
    return gradients;
  },
  samples: () => {
    const statistics = [floatSample([5], 2), floatSample([5], 3, 0.2, 2), floatSample([5], 4)];
    return [
      {
        name: 'scaled',
        inputs: [floatSample([2, 3, 4, 5], 1, -2, 2), ...statistics, floatSample([5], 5, 0.5, 2)],
        attributes: { epsilon: 0.001 },
      },
      {
        name: 'unscaled',
        inputs: [floatSample([7, 5], 6, -2, 2), ...statistics],
        attributes: { epsilon: 0.001 },
      },
      { name: 'vector', inputs: [floatSample([5], 7), ...statistics], attributes: { epsilon: 0.1 } },
    ];
  },
};
