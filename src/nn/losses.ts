import { sparseCrossEntropy } from '../tensor/functions.ts';
import { scope } from '../tensor/scope.ts';
import { execute, scalar, type Tensor } from '../tensor/tensor.ts';

export interface SparseCategoricalCrossentropyOptions {
  /** Label that counts nothing, such as 0 for padding. Default: every label counts. */
  readonly ignore?: number;
  /**
   * What the sum is divided by: the labels that count (default), or all of them, as Keras does with a mask, which makes
   * the loss depend on the share of padding.
   */
  readonly mean?: 'counted' | 'all';
}

/**
 * Mean cross-entropy, in nats, of softmax(logits) [..., classes] against class numbers int32 [...]: a scalar, 0 where
 * nothing counts. Named as in Keras; it takes logits, and probabilities never.
 */
export function sparseCategoricalCrossentropy(
  logits: Tensor,
  labels: Tensor,
  { ignore = -1, mean = 'counted' }: SparseCategoricalCrossentropyOptions = {},
): Tensor {
  return scope(() => {
    const flat = labels.reshape([-1]);
    const losses = sparseCrossEntropy(logits.reshape([-1, logits.shape[logits.rank - 1]]), flat, ignore);
    if (mean === 'all') return losses.mean();
    const { device } = labels;
    const ignored = execute('equal', [flat, scalar(device, ignore, 'int32')], {});
    const counted = scalar(device, flat.size).subtract(
      execute('cast', [ignored], { dtype: 'float32' }).sum(),
    );
    return losses.sum().divide(execute('maximum', [counted, scalar(device, 1)], {}));
  });
}

/** Mean of (predicted − expected)² over all elements, which may broadcast: a scalar. */
export function meanSquaredError(predicted: Tensor, expected: Tensor): Tensor {
  return scope(() => execute('square', [predicted.subtract(expected)], {}).mean());
}

/** Mean of |predicted − expected| over all elements, which may broadcast: a scalar. */
export function meanAbsoluteError(predicted: Tensor, expected: Tensor): Tensor {
  return scope(() => execute('abs', [predicted.subtract(expected)], {}).mean());
}

/**
 * Mean over all elements of the cross-entropy, in nats, of sigmoid(logits) against probabilities `targets` of 0 … 1, both
 * of one shape: a scalar. For labels of which any number may hold. With −log(1 − σ(z)) = max(z, 0) + log(1 + e^−|z|), no
 * logit overflows.
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return scope(() => {
    const { device } = logits;
    const shrunk = execute('exp', [execute('abs', [logits], {}).scale(-1)], {});
    const losses = logits
      .relu()
      .subtract(logits.multiply(targets))
      .add(execute('log', [shrunk.add(scalar(device, 1))], {}));
    return losses.mean();
  });
}
