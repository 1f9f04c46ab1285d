import { type GemmProblem, gemmLaunches } from '../gemm/gemm.ts';
import { gemmVariants } from '../gemm/gemm-variants.ts';
import { DTypeError, ShapeError } from '../op/errors.ts';
import type { OpDefinition, Placement, Sample, SimdCall, Value } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { describe, type TensorSpec } from '../op/spec.ts';
import { type Activation, activations } from '../parts/activation.ts';
import { throughActivation } from '../parts/gradients.ts';
import { multiply } from '../parts/simd-product.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    matmul: MatmulAttributes;
  }
}

export interface MatmulAttributes {
  /** a is stored [B?, K, M]. */
  readonly transposeA: boolean;
  /** b is stored [B?, N, K]. */
  readonly transposeB: boolean;
  readonly activation: Activation;
}

/** Sizes of a product; `aBatched` and `bBatched` say which operand has a batch axis of its own. */
export interface MatmulGeometry {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aBatched: boolean;
  readonly bBatched: boolean;
}

const shapesExpected = 'expected a [B?, M, K], b [B?, K, N] (transposed as the attributes say), bias? [N]';

/** Reads the sizes from the operands; throws ShapeError or DTypeError. */
export function matmulGeometry(inputs: readonly TensorSpec[], attributes: MatmulAttributes): MatmulGeometry {
  const given = `matmul: ${inputs.map(describe).join(' · ')} given (${transposes(attributes)}), `;
  if (inputs.length < 2 || inputs.length > 3) throw new ShapeError(`${given}${shapesExpected}`);
  if (inputs.some((input) => input.dtype !== 'float32')) {
    throw new DTypeError(`${given}all of float32 expected; cast them first`);
  }
  const [a, b, bias] = inputs;
  if (![2, 3].includes(a.shape.length) || ![2, 3].includes(b.shape.length)) {
    throw new ShapeError(`${given}${shapesExpected}; reshape the operands to rank 2 or 3`);
  }
  const [aRows, aColumns] = a.shape.slice(-2);
  const [bRows, bColumns] = b.shape.slice(-2);
  const [m, k] = attributes.transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, n] = attributes.transposeB ? [bColumns, bRows] : [bRows, bColumns];
  if (k !== inner) {
    throw new ShapeError(
      `${given}inner sizes ${k} and ${inner} differ; ${shapesExpected}; transpose or reshape one`,
    );
  }
  const aBatched = a.shape.length === 3;
  const bBatched = b.shape.length === 3;
  if (aBatched && bBatched && a.shape[0] !== b.shape[0]) {
    throw new ShapeError(
      `${given}batches ${a.shape[0]} and ${b.shape[0]} differ; make them equal or drop one axis`,
    );
  }
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== n)) {
    throw new ShapeError(`${given}a bias of shape [${n}] expected`);
  }
  const batch = aBatched ? a.shape[0] : bBatched ? b.shape[0] : 1;
  return { batch, m, n, k, aBatched, bBatched };
}

function transposes(attributes: MatmulAttributes): string {
  return `transposeA ${attributes.transposeA}, transposeB ${attributes.transposeB}`;
}

/** activation(op(a)·op(b) + bias); an operand of rank 2 serves every member of the other's batch. */
export const matmul: OpDefinition<MatmulAttributes> = {
  name: 'matmul',
  summary:
    'a [B?, M, K], b [B?, K, N], bias? [N] -> activation(a·b + bias) [B?, M, N]; transposeA, transposeB read a, b transposed',
  places: true,

  infer(inputs, attributes) {
    const { batch, m, n, aBatched, bBatched } = matmulGeometry(inputs, attributes);
    return [{ shape: aBatched || bBatched ? [batch, m, n] : [m, n], dtype: 'float32' }];
  },

  cpu({ inputs: [a, b, bias], inputSpecs, outputs: [y], attributes }) {
    const { batch, m, n, k, aBatched, bBatched } = matmulGeometry(inputSpecs, attributes);
    const activate = activations[attributes.activation].value;
    const [aRow, aStep] = attributes.transposeA ? [1, m] : [k, 1];
    const [bStep, bColumn] = attributes.transposeB ? [1, k] : [n, 1];
    for (let member = 0; member < batch; member++) {
      const aStart = aBatched ? member * m * k : 0;
      const bStart = bBatched ? member * k * n : 0;
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = bias ? bias[j] : 0;
          for (let p = 0; p < k; p++) {
            sum += a[aStart + i * aRow + p * aStep] * b[bStart + p * bStep + j * bColumn];
          }
          y[(member * m + i) * n + j] = activate(sum);
        }
      }
    }
  },

  simd(call) {
    const { batch, m, n, k, aBatched, bBatched } = matmulGeometry(call.inputSpecs, call.attributes);
    const { stride, offset } = call.placement;
    const y = call.outputs[0] + 4 * offset;
    if (aBatched && !bBatched && !call.attributes.transposeA) {
      multiplyMember(call, call.inputs[0], call.inputs[1], y, batch * m, n, k);
      return true;
    }
    for (let member = 0; member < batch; member++) {
      const a = call.inputs[0] + (aBatched ? member * m * k * 4 : 0);
      const b = call.inputs[1] + (bBatched ? member * k * n * 4 : 0);
      multiplyMember(call, a, b, y + 4 * member * m * stride, m, n, k);
    }
    return true;
  },

  variants({ inputs, attributes, adapter, placement }) {
    return gemmVariants(launchedProblem(inputs, attributes, placement).problem, adapter);
  },

  wgsl({ inputs, attributes, adapter, placement }, variant) {
    const { problem, exchanged } = launchedProblem(inputs, attributes, placement);
    const [a, b] = exchanged ? [1, 0] : [0, 1];
    const bias = inputs.length === 3 ? { input: 2 } : undefined;
    const bindings = { a: { input: a }, b: { input: b }, y: { output: 0 }, bias };
    return gemmLaunches(problem, variant, bindings, adapter);
  },

  // Of bias and activation no account is taken, as is custom.
  flops({ inputs, attributes }) {
    const { batch, m, n, k } = matmulGeometry(inputs, attributes);
    return 2 * batch * m * n * k;
  },

  gradient(context) {
    const { inputs, outputs, attributes, needs } = context;
    const [a, b, bias] = inputs;
    const { transposeA, transposeB, activation } = attributes;
    const y = outputs[0];
    const g = throughActivation(context, activation, y, context.gradients[0]);
    const batched = y.shape.length === 3;
    const product = (left: Value, right: Value, transposeLeft: boolean, transposeRight: boolean) =>
      context.run('matmul', [left, right], {
        transposeA: transposeLeft,
        transposeB: transposeRight,
        activation: 'linear',
      });
    const overBatch = (gradient: Value, operand: Value) =>
      gradient.shape.length > operand.shape.length
        ? context.run('sum', [gradient], { axes: [0], keepDimensions: false })
        : gradient;
    const gradientOfA = () =>
      overBatch(transposeA ? product(b, g, transposeB, true) : product(g, b, false, !transposeB), a);
    const gradientOfB = () => {
      // One product over all rows of the batch instead of one for each member, then a sum.
      const merge = batched && b.shape.length === 2 && !transposeA;
      const left = merge ? flattened(a) : a;
      const right = merge ? flattened(g) : g;
      return overBatch(
        transposeB ? product(right, left, true, transposeA) : product(left, right, !transposeA, false),
        b,
      );
    };
    const flattened = (value: Value) =>
      context.run('reshape', [value], { shape: [value.shape[0] * value.shape[1], value.shape[2]] });
    const result: (Value | null)[] = [needs[0] ? gradientOfA() : null, needs[1] ? gradientOfB() : null];
    if (bias) {
      const axes = batched ? [0, 1] : [0];
      result.push(needs[2] ? context.run('sum', [g], { axes, keepDimensions: false }) : null);
    }
    return result;
  },

  samples,
};

function problemOf(
  inputs: readonly TensorSpec[],
  attributes: MatmulAttributes,
  placement: Placement,
): GemmProblem {
  const { batch, m, n, k, aBatched, bBatched } = matmulGeometry(inputs, attributes);
  // A batch of rows against one matrix is one larger product.
  const merged = !bBatched && !attributes.transposeA;
  return {
    batches: merged ? 1 : batch,
    rows: merged ? batch * m : m,
    columns: n,
    segments: 1,
    depth: k,
    aBatch: aBatched && !merged ? m * k : 0,
    aRow: attributes.transposeA ? 1 : k,
    aDepth: attributes.transposeA ? m : 1,
    bBatch: bBatched ? k * n : 0,
    bSegment: 0,
    bDepth: attributes.transposeB ? 1 : n,
    bColumn: attributes.transposeB ? k : 1,
    placement,
    activation: attributes.activation,
  };
}

/**
 * The problem as kernels are given it. Their tiles are four columns wide at least, so a y of one column is computed as its
 * transpose, bᵀ·aᵀ, of one row: 10001×768×1 takes 13 ms instead of 54 on lavapipe, 33 instead of 330 on SwiftShader. A bias
 * would then be one of rows, which no kernel adds.
 */
function launchedProblem(
  inputs: readonly TensorSpec[],
  attributes: MatmulAttributes,
  placement: Placement,
): { problem: GemmProblem; exchanged: boolean } {
  const problem = problemOf(inputs, attributes, placement);
  const { rows, columns, aBatch, aRow, aDepth, bBatch, bDepth, bColumn } = problem;
  const exchanged = columns === 1 && rows > 1 && inputs.length === 2 && placement.stride === 1;
  if (!exchanged) return { problem, exchanged };
  const transposed = {
    ...problem,
    rows: columns,
    columns: rows,
    aBatch: bBatch,
    aRow: bColumn,
    aDepth: bDepth,
    bBatch: aBatch,
    bDepth: aDepth,
    bColumn: aRow,
    placement: { stride: rows, offset: placement.offset },
  };
  return { problem: transposed, exchanged };
}

function multiplyMember(
  call: SimdCall<MatmulAttributes>,
  a: number,
  b: number,
  y: number,
  m: number,
  n: number,
  k: number,
): void {
  const { transposeA, transposeB, activation } = call.attributes;
  multiply(call, {
    a: { address: a, leading: transposeA ? m : k, transposed: transposeA },
    b: { address: b, leading: transposeB ? k : n, transposed: transposeB },
    bias: call.inputs[2] ?? 0,
    c: y,
    cLeading: call.placement.stride,
    rows: m,
    columns: n,
    depth: k,
    activation,
  });
}

function samples(): Sample<MatmulAttributes>[] {
  const linear: MatmulAttributes = { transposeA: false, transposeB: false, activation: 'linear' };
  const of = (
    name: string,
    a: number[],
    b: number[],
    attributes: Partial<MatmulAttributes> = {},
    bias?: number,
    differentiable = true,
  ): Sample<MatmulAttributes> => ({
    name,
    inputs: [floatSample(a, 1), floatSample(b, 2), ...(bias === undefined ? [] : [floatSample([bias], 3)])],
    attributes: { ...linear, ...attributes },
    differentiable,
  });
  return [
    of('one element', [1, 1], [1, 1]),
    of('odd sizes', [5, 7], [7, 3]),
    of('one row, bias', [1, 37], [37, 19], {}, 19),
    of('more rows than a tile, bias and relu', [9, 12], [12, 17], { activation: 'relu' }, 17, false),
    of('transposed a', [11, 6], [11, 5], { transposeA: true }),
    of('transposed b, sigmoid', [6, 9], [10, 9], { transposeB: true, activation: 'sigmoid' }, 10),
    of('both transposed, tanh', [8, 6], [5, 8], { transposeA: true, transposeB: true, activation: 'tanh' }),
    of('hardSigmoid', [3, 4], [4, 6], { activation: 'hardSigmoid' }, 6),
    of('batch against one matrix', [3, 5, 4], [4, 6], {}, 6),
    of('transposed batch against one matrix', [2, 4, 5], [4, 3], { transposeA: true }),
    of('one matrix against a batch', [5, 4], [2, 4, 3]),
    of('batch against batch, transposed b', [2, 5, 4], [2, 3, 4], { transposeB: true }, 3),
    of('deep', [6, 300], [300, 9]),
    of('one column', [37, 19], [19, 1]),
    of('one column of a transposed a, tanh', [8, 70], [8, 1], { transposeA: true, activation: 'tanh' }),
    of('one column of a transposed b', [12, 16], [1, 16], { transposeB: true }),
    of('one column, bias', [21, 6], [6, 1], {}, 1),
    of('one column each of a batch', [2, 9, 8], [2, 8, 1]),
    of('one column from a batch against one matrix', [3, 5, 4], [4, 1]),
    of('one column of one matrix against a batch', [5, 4], [2, 4, 1]),
  ];
}
