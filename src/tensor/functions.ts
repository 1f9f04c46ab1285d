import type { Device } from '../kernels/device.ts';
import type { Shape } from '../kernels/op/spec.ts';
import type { Activation } from '../kernels/parts/activation.ts';
import { scope } from './scope.ts';
import { execute, executeAll, filled, type Tensor } from './tensor.ts';

/**
 * Ops as functions, with the defaults that a caller expects. Each throws ShapeError or DTypeError for inputs that do not
 * fit, naming the op, what was given and what it takes, and DisposedError for an input that was freed.
 */

export interface MatmulOptions {
  /** [N], added to every row. */
  readonly bias?: Tensor;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly activation?: Activation;
}

/** activation(a · b + bias): [M, K] · [K, N] → [M, N], or batched with a leading dimension. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { bias, transposeA = false, transposeB = false, activation = 'linear' } = options;
  return execute('matmul', bias ? [a, b, bias] : [a, b], { transposeA, transposeB, activation });
}

export type Pair = readonly [number, number];
export type Padding = 'same' | 'valid';

export interface Conv2dOptions {
  /** [O] */
  readonly bias?: Tensor;
  readonly strides?: Pair;
  readonly padding?: Padding;
  readonly dilations?: Pair;
  readonly activation?: Activation;
}

/** Convolution: x [N, H, W, C], kernel [kh, kw, C, O] → [N, H', W', O]. */
export function conv2d(x: Tensor, kernel: Tensor, options: Conv2dOptions = {}): Tensor {
  const { bias, strides = [1, 1], padding = 'valid', dilations = [1, 1], activation = 'linear' } = options;
  return execute('conv2d', bias ? [x, kernel, bias] : [x, kernel], {
    strides,
    padding,
    dilations,
    activation,
  });
}

export interface PoolOptions {
  readonly size: Pair;
  /** Default: `size`. */
  readonly strides?: Pair;
  readonly padding?: Padding;
}

/** Largest of each window: x [N, H, W, C] → [N, H', W', C]. */
export function maxPool(x: Tensor, { size, strides = size, padding = 'valid' }: PoolOptions): Tensor {
  return execute('maxPool', [x], { size, strides, padding });
}

/** Mean of each window, padding not counted: x [N, H, W, C] → [N, H', W', C]. */
export function averagePool(x: Tensor, { size, strides = size, padding = 'valid' }: PoolOptions): Tensor {
  return execute('averagePool', [x], { size, strides, padding });
}

/** Tensors that differ on `axis` (default the last) alone, one after the other along it. */
export function concat(tensors: readonly Tensor[], axis = -1): Tensor {
  return tensors.length === 1 ? tensors[0].reshape(tensors[0].shape) : execute('concat', tensors, { axis });
}

/** Rows of `table` [V, …] by `ids`: [ids…, …]. */
export function gather(table: Tensor, ids: Tensor): Tensor {
  return execute('gather', [table, ids], {});
}

/** x [B, K] times, row by row, the matrix of its number: matrices [N, K, M], choice int32 [B] → [B, M]. */
export function matmulChosen(x: Tensor, matrices: Tensor, choice: Tensor): Tensor {
  return execute('matmulChosen', [x, matrices, choice], { transpose: false });
}

/** score · tanh(key + query): keys [N, P, A], queries [B, A], score [A], choice of the grid int32 [B] → [B, P]. */
export function additiveScores(keys: Tensor, queries: Tensor, score: Tensor, choice: Tensor): Tensor {
  return execute('additiveScores', [keys, queries, score, choice], {});
}

/** Index of the largest of the last axis, the first of equals: [.., N] → int32 [..]. */
export function argmax(x: Tensor): Tensor {
  return execute('argmax', [x], {});
}

/**
 * Draws an index from each of some distributions: p [.., N] of numbers from 0, u [..] uniform in 0 … 1 -> int32 [..]. Index i
 * comes with probability p[i] / Σ p.
 */
export function categorical(p: Tensor, u: Tensor): Tensor {
  return execute('categorical', [p, u], {});
}

/** The k largest of the last axis, falling, equals by rising index: [.., N] → [.., k], indices int32. */
export function topK(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
  const [values, indices] = executeAll('topK', [x], { k });
  return { values, indices };
}

/** ln of softmax over the last axis, in the shape of x. */
export function logSoftmax(x: Tensor): Tensor {
  return execute('logSoftmax', [x], {});
}

/** Repeats dimensions of 1, and adds leading ones, by NumPy's rule: the elements of x in `shape`. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return execute('broadcastTo', [x], { shape });
}

/**
 * Losses [N] of logits [N, V] against labels int32 [N]; 0 where the label is `ignore`, which by default none is. A part
 * `smoothing` of each label's weight goes evenly to all classes.
 */
export function sparseCrossEntropy(logits: Tensor, labels: Tensor, ignore = -1, smoothing = 0): Tensor {
  return execute('sparseCrossEntropy', [logits, labels], { ignore, smoothing });
}

/** Zeroes a share `rate` of the elements and scales the rest by 1/(1 − rate). The seed decides which. */
export function dropout(x: Tensor, rate: number, seed: number): Tensor {
  return rate === 0 ? x.reshape(x.shape) : execute('dropout', [x], { rate, seed });
}

/** Bilinear, half-pixel centres, no antialiasing: x [N, H, W, C] → [N, height, width, C]. */
export function resizeBilinear(x: Tensor, height: number, width: number): Tensor {
  return execute('resizeBilinear', [x], { height, width });
}

/** One LSTM cell update from pre-activations z [B, 4U], gates in the order i, f, c, o, and cell state c [B, U]. */
export function lstmGates(
  z: Tensor,
  c: Tensor,
  activation: Activation,
  recurrentActivation: Activation,
): { h: Tensor; c: Tensor } {
  const [h, next] = executeAll('lstmGates', [z, c], { activation, recurrentActivation });
  return { h, c: next };
}

/** The numbers 0 … count − 1, int32 [count], made on the device: of equals, topK takes the first first. */
export function rowNumbers(device: Device, count: number): Tensor {
  return scope(() => {
    const equals = filled(device, [count], 0);
    return topK(equals, count).indices;
  });
}

/** The first `count` of the first axis: x [N, …] -> [count, …]; `x` itself where that is all of it. */
export function firstRows(x: Tensor, count: number): Tensor {
  if (count === x.shape[0]) return x;
  return x.slice(
    x.shape.map(() => 0),
    [count, ...x.shape.slice(1)],
  );
}
