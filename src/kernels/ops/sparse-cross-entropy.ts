import source from '../../../shaders/sparse-cross-entropy.wgsl';
import { checkDType, checkInputCount, checkRank, checkShape } from '../op/checks.ts';
import { UnsupportedError } from '../op/errors.ts';
import type { OpDefinition, SampleInput } from '../op/op.ts';
import { floatSample, integerSample, valuesSample } from '../op/samples.ts';
import type { NumericArray, TensorSpec } from '../op/spec.ts';
import { lastAxisVariants, rowLaunch } from '../parts/row-kernels.ts';

export interface SparseCrossEntropyAttributes {
  /** Label whose rows count nothing, such as padding; a negative number ignores none. */
  readonly ignore: number;
  /**
   * Part of a label's weight that is given evenly to all classes (label smoothing; Szegedy et al. 2016, arXiv 1512.00567),
   * from 0 (the default) to below 1.
   */
  readonly smoothing?: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    sparseCrossEntropy: SparseCrossEntropyAttributes;
  }
}

/** The smoothing; throws UnsupportedError where it is none. */
export function smoothingOf(op: string, { smoothing = 0 }: SparseCrossEntropyAttributes): number {
  if (smoothing >= 0 && smoothing < 1) return smoothing;
  throw new UnsupportedError(
    `${op}: smoothing ${smoothing} was given; it is a part of the label's weight, from 0 to below 1`,
  );
}

export function checkLogits(op: string, logits: TensorSpec, labels: TensorSpec): void {
  checkDType(op, 'logits', logits, 'float32');
  checkRank(op, 'logits', logits, 2, '[rows, classes]');
  checkDType(op, 'labels', labels, 'int32');
  checkShape(op, 'labels', labels, [logits.shape[0]]);
}

export function largestOf(x: NumericArray, from: number, end: number): number {
  let largest = x[from];
  for (let i = from + 1; i < end; i++) if (x[i] > largest) largest = x[i];
  return largest;
}

interface CrossEntropyCase {
  readonly name: string;
  readonly inputs: readonly SampleInput[];
  readonly ignore: number;
  readonly smoothing?: number;
}

/** Logits, labels and attributes, for the tests of both cross-entropy ops. */
export const crossEntropyCases: readonly CrossEntropyCase[] = [
  { name: 'words', inputs: [floatSample([7, 93], 1, -4, 4), integerSample([7], 2, 0, 93)], ignore: -1 },
  {
    name: 'padding ignored',
    inputs: [floatSample([5, 11], 3), valuesSample([5], [0, 3, 10, 0, 1], 'int32')],
    ignore: 0,
  },
  {
    name: 'smoothed',
    inputs: [floatSample([5, 93], 6, -4, 4), valuesSample([5], [0, 92, 7, -1, 50], 'int32')],
    ignore: 7,
    smoothing: 0.1,
  },
  {
    name: 'large logits',
    inputs: [valuesSample([2, 3], [300, -300, 0, 99, 100, 98]), valuesSample([2], [1, 1], 'int32')],
    ignore: -1,
  },
  { name: 'one class', inputs: [floatSample([2, 1], 4), valuesSample([2], [0, 0], 'int32')], ignore: -1 },
  {
    name: 'labels outside',
    inputs: [floatSample([3, 4], 5), valuesSample([3], [4, -2, 3], 'int32')],
    ignore: -1,
  },
];

/** Cross-entropy of softmax(logits) against class numbers, or against smoothed ones, in one pass that never forms the probabilities. */
export const sparseCrossEntropy: OpDefinition<SparseCrossEntropyAttributes> = {
  name: 'sparseCrossEntropy',
  summary:
    'logits [N, V], labels int32 [N] -> losses [N]: −log softmax at the label, or of all classes for a part `smoothing` of it; 0 where ' +
    'it is `ignore` or no class',
  infer(inputs, attributes) {
    checkInputCount('sparseCrossEntropy', inputs, 2);
    smoothingOf('sparseCrossEntropy', attributes);
    checkLogits('sparseCrossEntropy', inputs[0], inputs[1]);
    return [{ shape: inputs[1].shape, dtype: 'float32' }];
  },
  cpu({ inputs: [logits, labels], inputSpecs, outputs: [losses], attributes: { ignore, smoothing = 0 } }) {
    const [rows, classes] = inputSpecs[0].shape;
    for (let row = 0; row < rows; row++) {
      const label = labels[row];
      if (label === ignore || label < 0 || label >= classes) {
        losses[row] = 0;
        continue;
      }
      const from = row * classes;
      const end = from + classes;
      const largest = largestOf(logits, from, end);
      let sum = 0;
      let below = 0;
      for (let i = from; i < end; i++) {
        sum += Math.exp(logits[i] - largest);
        below += largest - logits[i];
      }
      const ofLabel = largest - logits[from + label];
      losses[row] = Math.log(sum) + ofLabel + smoothing * (below / classes - ofLabel);
    }
  },
  simd({
    inputs: [logits, labels],
    inputSpecs,
    outputs: [losses],
    attributes: { ignore, smoothing = 0 },
    run,
  }) {
    const [rows, classes] = inputSpecs[0].shape;
    run('sparseCrossEntropy', [logits, labels, losses, classes, ignore, smoothing], rows, 1.5 * classes);
    return true;
  },
  variants: ({ inputs: [logits], adapter }) => lastAxisVariants(logits, adapter),
  wgsl({ inputs, attributes, adapter }, variant) {
    const [rows, columns] = inputs[0].shape;
    const hooks = [{ name: 'sparse-cross-entropy', source }];
    const { ignore, smoothing = 0 } = attributes;
    const uniforms = { ignore, smoothing };
    return [rowLaunch({ rows, columns, hooks, uniforms }, variant, adapter)];
  },
  gradient: (context) => [
    context.run('sparseCrossEntropyGradient', [...context.inputs, context.gradients[0]], context.attributes),
    null,
  ],
  samples: () => crossEntropyCases.map(({ name, inputs, ...attributes }) => ({ name, inputs, attributes })),
};
