import type { OpAttributes, OpDefinition, OpName } from './op/op.ts';
import { adam } from './ops/adam.ts';
import { additiveScores } from './ops/additive-scores.ts';
import { additiveScoresGradient } from './ops/additive-scores-gradient.ts';
import { argmax } from './ops/argmax.ts';
import { averagePool } from './ops/average-pool.ts';
import { averagePoolGradient } from './ops/average-pool-gradient.ts';
import { batchNorm } from './ops/batch-norm.ts';
import { binaryOps } from './ops/binary.ts';
import { broadcastTo } from './ops/broadcast-to.ts';
import { cast } from './ops/cast.ts';
import { categorical } from './ops/categorical.ts';
import { concat } from './ops/concat.ts';
import { conv2d } from './ops/conv2d.ts';
import { conv2dGradientInput } from './ops/conv2d-gradient-input.ts';
import { conv2dGradientKernel } from './ops/conv2d-gradient-kernel.ts';
import { dropout } from './ops/dropout.ts';
import { fill } from './ops/fill.ts';
import { gather } from './ops/gather.ts';
import { logSoftmax } from './ops/log-softmax.ts';
import { lstmGates } from './ops/lstm-gates.ts';
import { lstmGatesGradient } from './ops/lstm-gates-gradient.ts';
import { matmul } from './ops/matmul.ts';
import { matmulChosen } from './ops/matmul-chosen.ts';
import { maxPool } from './ops/max-pool.ts';
import { maxPoolGradient } from './ops/max-pool-gradient.ts';
import { nadam } from './ops/nadam.ts';
import { outerChosen } from './ops/outer-chosen.ts';
import { pad } from './ops/pad.ts';
import { reduceOps } from './ops/reduce.ts';
import { reshape } from './ops/reshape.ts';
import { resizeBilinear } from './ops/resize-bilinear.ts';
import { resizeBilinearGradient } from './ops/resize-bilinear-gradient.ts';
import { scatterAdd } from './ops/scatter-add.ts';
import { sgd } from './ops/sgd.ts';
import { slice } from './ops/slice.ts';
import { softmax } from './ops/softmax.ts';
import { sparseCrossEntropy } from './ops/sparse-cross-entropy.ts';
import { sparseCrossEntropyGradient } from './ops/sparse-cross-entropy-gradient.ts';
import { split } from './ops/split.ts';
import { topK } from './ops/top-k.ts';
import { transpose } from './ops/transpose.ts';
import { unaryOps } from './ops/unary.ts';
import { unaryGradient } from './ops/unary-gradient.ts';

/** Every op, by name. A row that is missing or of the wrong attributes is a type error. */
export const opTable: { readonly [K in OpName]: OpDefinition<OpAttributes[K]> } = {
  ...unaryOps,
  ...binaryOps,
  ...reduceOps,
  unaryGradient,
  broadcastTo,
  cast,
  concat,
  fill,
  pad,
  reshape,
  slice,
  split,
  transpose,
  conv2d,
  conv2dGradientInput,
  conv2dGradientKernel,
  matmul,
  adam,
  additiveScores,
  additiveScoresGradient,
  averagePool,
  averagePoolGradient,
  dropout,
  gather,
  lstmGates,
  lstmGatesGradient,
  matmulChosen,
  maxPool,
  maxPoolGradient,
  outerChosen,
  scatterAdd,
  sparseCrossEntropy,
  sparseCrossEntropyGradient,
  argmax,
  batchNorm,
  categorical,
  logSoftmax,
  nadam,
  resizeBilinear,
  resizeBilinearGradient,
  sgd,
  softmax,
  topK,
};
