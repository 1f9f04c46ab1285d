import source from '../../../shaders/sparse-cross-entropy-gradient.wgsl';
import { checkDType, checkInputCount, checkShape } from '../op/checks.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { lastAxisVariants, rowLaunch, softmaxSumHook } from '../parts/row-kernels.ts';
import {
  checkLogits,
  crossEntropyCases,
  largestOf,
  type SparseCrossEntropyAttributes,
  smoothingOf,
} from './sparse-cross-entropy.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    sparseCrossEntropyGradient: SparseCrossEntropyAttributes;
  }
}

/** Backward pass of sparseCrossEntropy: softmax minus one at the label (or what is left of it by smoothing), times the gradient of the row's loss. */
export const sparseCrossEntropyGradient: OpDefinition<SparseCrossEntropyAttributes> = {
  name: 'sparseCrossEntropyGradient',
  summary:
    'logits [N, V], labels int32 [N], g [N] -> [N, V]: g (softmax − one-hot, smoothed); 0 in ignored rows',
  infer(inputs, attributes) {
    checkInputCount('sparseCrossEntropyGradient', inputs, 3);
    smoothingOf('sparseCrossEntropyGradient', attributes);
    const [logits, labels, g] = inputs;
    checkLogits('sparseCrossEntropyGradient', logits, labels);
    checkDType('sparseCrossEntropyGradient', 'g', g, 'float32');
    checkShape('sparseCrossEntropyGradient', 'g', g, labels.shape);
    return [logits];
  },
  cpu({ inputs: [logits, labels, g], inputSpecs, outputs: [y], attributes: { ignore, smoothing = 0 } }) {
    const [rows, classes] = inputSpecs[0].shape;
    for (let row = 0; row < rows; row++) {
      const label = labels[row];
      const from = row * classes;
      const end = from + classes;
      if (label === ignore || label < 0 || label >= classes) {
        y.fill(0, from, end);
        continue;
      }
      const largest = largestOf(logits, from, end);
      let sum = 0;
      for (let i = from; i < end; i++) {
        const e = Math.exp(logits[i] - largest);
        y[i] = e;
        sum += e;
      }
      const scale = g[row] / sum;
      const even = (g[row] * smoothing) / classes;
      for (let i = from; i < end; i++) y[i] = y[i] * scale - even;
      y[from + label] -= g[row] * (1 - smoothing);
    }
  },
  simd({
    inputs: [logits, labels, g],
    inputSpecs,
    outputs: [y],
    attributes: { ignore, smoothing = 0 },
    run,
  }) {
    const [rows, classes] = inputSpecs[0].shape;
    run(
      'sparseCrossEntropyGradient',
      [logits, labels, g, y, classes, ignore, smoothing],
      rows,
      1.5 * classes,
    );
    return true;
  },
  variants: ({ inputs: [logits], adapter }) => lastAxisVariants(logits, adapter),
  wgsl({ inputs, attributes, adapter }, variant) {
    const [rows, columns] = inputs[0].shape;
    const hooks = [softmaxSumHook, { name: 'sparse-cross-entropy-gradient', source }];
    const { ignore, smoothing = 0 } = attributes;
    const uniforms = { ignore, smoothing };
    return [rowLaunch({ rows, columns, hooks, uniforms }, variant, adapter)];
  },
  gradient: 'none',
  samples: () =>
    crossEntropyCases.map(({ name, inputs, ...attributes }) => ({
      name,
      inputs: [...inputs, floatSample(inputs[1].shape, 9)],
      attributes,
    })),
};
