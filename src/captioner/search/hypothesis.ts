import type { Device } from '../../kernels/device.ts';
import type { DeviceArray, Shape } from '../../kernels/op/spec.ts';
import { logSoftmax } from '../../tensor/functions.ts';
import { Tensor } from '../../tensor/tensor.ts';

export interface SearchOptions {
  readonly startId: number;
  readonly endId: number;
  /** Most steps, the end word's included. */
  readonly maximumLength: number;
  /** Ids never to be chosen: padding, the start word, the unknown word. */
  readonly forbidden: readonly number[];
  /**
   * Beam search ranks sentences by log probability / length^exponent. 0 favours short sentences, 1 (the default) takes
   * the mean per word.
   */
  readonly lengthExponent?: number;
}

/** A sentence that a search found. */
export interface Hypothesis {
  /** Word ids in order; the last is the end word's unless the length ran out. */
  readonly tokens: number[];
  /** Sum of the words' log probabilities, the end word's included. */
  readonly logProbability: number;
}

/** Far below any log probability, far above the float32 minimum even when several are added. */
export const impossible = -1e9;

/** The mean of a sentence's log probabilities per word, the end word counted as one: natural logarithm, 0 at most. */
export function meanLogProbability({ tokens, logProbability }: Hypothesis): number {
  return logProbability / Math.max(1, tokens.length);
}

/** A tensor that a search keeps until it is disposed of, whatever scopes are open. */
export function constant(device: Device, data: DeviceArray, shape: Shape = [data.length]): Tensor {
  const dtype = data instanceof Int32Array ? 'int32' : 'float32';
  return new Tensor(device, { storage: device.upload(data), spec: { shape, dtype } }, false);
}

/** What makes the forbidden ids impossible when it is added: a constant [1, V]. */
export function penalties(device: Device, vocabulary: number, forbidden: readonly number[]): Tensor {
  const row = new Float32Array(vocabulary);
  for (const id of forbidden) row[id] = impossible;
  return constant(device, row, [1, vocabulary]);
}

/** Log probabilities [B, V] of logits [B, V], the forbidden words made impossible. */
export function logProbabilities(logits: Tensor, penalty: Tensor): Tensor {
  return logSoftmax(logits).add(penalty);
}
