import source from '../../../shaders/reduce.wgsl';
import { checkDType, checkInputCount } from '../op/checks.ts';
import type { GradientContext, OpDefinition, Sample, Value } from '../op/op.ts';
import { opsOf } from '../op/op-rows.ts';
import { floatSample, valuesSample } from '../op/samples.ts';
import { elementCount, type NumericArray, normaliseAxis, type Shape, stridesOf } from '../op/spec.ts';
import { scalar } from '../parts/gradients.ts';
import { axesUniform, collapse, type Layout, walkRuns } from '../parts/layout.ts';
import { rowLaunch, rowVariants } from '../parts/row-kernels.ts';
import { elementUnits, UNIT_ELEMENTS } from '../parts/simd-units.ts';

export interface ReduceAttributes {
  /** Axes that are reduced; negative ones count from the last. Without any, x is copied. */
  readonly axes: readonly number[];
  /** Keeps reduced axes with size 1. */
  readonly keepDimensions: boolean;
}

type ReduceName = 'sum' | 'mean' | 'max' | 'min';

type ReduceOpAttributes = Readonly<Record<ReduceName, ReduceAttributes>>;

declare module '../op/op.ts' {
  interface OpAttributes extends ReduceOpAttributes {}
}

type Context = GradientContext<ReduceAttributes>;

interface Row {
  readonly formula: string;
  readonly initial: number;
  /** Folds a run of x into one element of `totals` (step 0) or element by element (step 1). */
  readonly fold: (
    x: NumericArray,
    from: number,
    count: number,
    totals: Float64Array,
    to: number,
    step: number,
  ) => void;
  /** WGSL expressions of the initial value, and of the combination of `a` and `b`. */
  readonly wgslInitial: string;
  readonly wgsl: string;
  readonly mean: boolean;
  /** Given g in a shape that broadcasts to x. */
  readonly gradient: (context: Context, g: Value, reduced: readonly boolean[]) => Value;
}

const foldSum: Row['fold'] = (x, from, count, totals, to, step) => {
  if (step === 0) {
    let total = totals[to];
    for (let n = 0; n < count; n++) total += x[from + n];
    totals[to] = total;
  } else {
    for (let n = 0; n < count; n++) totals[to + n] += x[from + n];
  }
};

/** Shared evenly by equal extremes, as TensorFlow has it. */
const shareAmongExtremes: Row['gradient'] = (context, g, reduced) => {
  const [x] = context.inputs;
  const shape = kept(x.shape, reduced, true);
  const extreme = context.run('reshape', [context.outputs[0]], { shape });
  const chosen = context.run('equal', [x, extreme], {});
  const axes = reduced.flatMap((is, axis) => (is ? [axis] : []));
  const count = context.run('sum', [chosen], { axes, keepDimensions: true });
  return context.run('multiply', [chosen, context.run('divide', [g, count], {})], {});
};

const rows: Readonly<Record<ReduceName, Row>> = {
  sum: {
    formula: 'the sum',
    initial: 0,
    fold: foldSum,
    wgslInitial: '0.0',
    wgsl: 'a + b',
    mean: false,
    gradient: (context, g) => context.run('broadcastTo', [g], { shape: context.inputs[0].shape }),
  },
  mean: {
    formula: 'the mean',
    initial: 0,
    fold: foldSum,
    wgslInitial: '0.0',
    wgsl: 'a + b',
    mean: true,
    gradient: (context, g, reduced) => {
      const { shape } = context.inputs[0];
      const share = scalar(context, 1 / elementCount(shape.filter((_, axis) => reduced[axis])));
      return context.run('broadcastTo', [context.run('multiply', [g, share], {})], { shape });
    },
  },
  max: {
    formula: 'the largest',
    initial: Number.NEGATIVE_INFINITY,
    fold: (x, from, count, totals, to, step) => {
      for (let n = 0, i = to; n < count; n++, i += step) if (x[from + n] > totals[i]) totals[i] = x[from + n];
    },
    wgslInitial: '-3.4028234e38',
    wgsl: 'max(a, b)',
    mean: false,
    gradient: shareAmongExtremes,
  },
  min: {
    formula: 'the smallest',
    initial: Number.POSITIVE_INFINITY,
    fold: (x, from, count, totals, to, step) => {
      for (let n = 0, i = to; n < count; n++, i += step) if (x[from + n] < totals[i]) totals[i] = x[from + n];
    },
    wgslInitial: '3.4028234e38',
    wgsl: 'min(a, b)',
    mean: false,
    gradient: shareAmongExtremes,
  },
};

function reducedAxes(op: string, shape: Shape, axes: readonly number[]): boolean[] {
  const reduced = shape.map(() => false);
  for (const axis of axes) reduced[normaliseAxis(op, axis, shape.length)] = true;
  return reduced;
}

function kept(shape: Shape, reduced: readonly boolean[], keepDimensions: boolean): number[] {
  return shape.flatMap((size, axis) => (reduced[axis] ? (keepDimensions ? [1] : []) : [size]));
}

/** How x is read, and which element of y each element of it goes to: a stride of 0 in y is a reduced axis. */
function layoutOf(shape: Shape, reduced: readonly boolean[]): Layout {
  const outputStrides = stridesOf(kept(shape, reduced, true)).map((stride, axis) =>
    reduced[axis] ? 0 : stride,
  );
  return collapse(shape, stridesOf(shape), outputStrides);
}

/** x as [outer, reduced, inner] with the middle axis reduced, or null when no three axes say it. */
function threeAxes({ shape, strides }: Layout): readonly [number, number, number] | null {
  const pattern = strides[1].map((stride) => (stride === 0 ? 'reduced' : 'kept')).join();
  if (pattern === 'reduced') return [1, shape[0], 1];
  if (pattern === 'reduced,kept') return [1, shape[0], shape[1]];
  if (pattern === 'kept,reduced') return [shape[0], shape[1], 1];
  if (pattern === 'kept,reduced,kept') return [shape[0], shape[1], shape[2]];
  return null;
}

function define(name: ReduceName, row: Row): OpDefinition<ReduceAttributes> {
  return {
    name,
    summary: `x [...] -> x without \`axes\`: ${row.formula} along them; keepDimensions leaves them as 1`,
    infer(inputs, { axes, keepDimensions }) {
      checkInputCount(name, inputs, 1);
      const [x] = inputs;
      checkDType(name, 'x', x, 'float32');
      return [{ shape: kept(x.shape, reducedAxes(name, x.shape, axes), keepDimensions), dtype: 'float32' }];
    },
    cpu({ inputs: [x], inputSpecs, outputs: [y], attributes }) {
      const { shape } = inputSpecs[0];
      const reduced = reducedAxes(name, shape, attributes.axes);
      const layout = layoutOf(shape, reduced);
      const inner = layout.shape.length - 1;
      const totals = new Float64Array(y.length).fill(row.initial);
      walkRuns(layout, ([from, to]) => {
        row.fold(x, from, layout.shape[inner], totals, to, layout.strides[1][inner]);
      });
      const scale = row.mean ? y.length / x.length : 1;
      for (let i = 0; i < y.length; i++) y[i] = totals[i] * scale;
    },
    simd({ inputs: [x], inputSpecs, outputs: [y], attributes, threads, scratch, run }) {
      const { shape } = inputSpecs[0];
      if (!(name === 'sum' || row.mean) || elementCount(shape) === 0) return false;
      const axes = threeAxes(layoutOf(shape, reducedAxes(name, shape, attributes.axes)));
      if (!axes) return false;
      const [outer, reduced, inner] = axes;
      const units = outer * elementUnits(inner);
      const totals = scratch(threads * UNIT_ELEMENTS * 8);
      const cost = (0.5 * outer * reduced * inner) / units;
      run('sum', [x, y, reduced, inner, row.mean ? 1 / reduced : 1, totals], units, cost);
      return true;
    },
    variants({ inputs: [{ shape }], attributes, adapter }) {
      const reduced = reducedAxes(name, shape, attributes.axes);
      const columns = elementCount(shape.filter((_, axis) => reduced[axis]));
      return rowVariants(elementCount(shape) / columns, columns, adapter, reduced.at(-1));
    },
    wgsl({ inputs: [{ shape }], attributes, adapter }, variant) {
      const reduced = reducedAxes(name, shape, attributes.axes);
      const strides = stridesOf(shape);
      const part = (along: boolean) =>
        collapse(
          shape.filter((_, axis) => reduced[axis] === along),
          strides.filter((_, axis) => reduced[axis] === along),
        );
      const outer = part(false);
      const inner = part(true);
      const columns = elementCount(inner.shape);
      const combine = { name, source: `fn combine(a: f32, b: f32) -> f32 { return ${row.wgsl}; }` };
      const kernel = {
        rows: elementCount(outer.shape),
        columns,
        hooks: [{ name: 'reduce', source }, combine],
        constants: {
          INITIAL: row.wgslInitial,
          OUTER_AXES: outer.shape.length,
          INNER_AXES: inner.shape.length,
        },
        uniforms: {
          scale: row.mean ? 1 / columns : 1,
          outerShape: axesUniform(outer.shape),
          outerStrides: axesUniform(outer.strides[0]),
          innerShape: axesUniform(inner.shape),
          innerStrides: axesUniform(inner.strides[0]),
        },
      };
      return [rowLaunch(kernel, variant, adapter)];
    },
    flops: ({ inputs: [{ shape }] }) => elementCount(shape),
    gradient(context) {
      const { shape } = context.inputs[0];
      const reduced = reducedAxes(name, shape, context.attributes.axes);
      const g = context.run('reshape', [context.gradients[0]], { shape: kept(shape, reduced, true) });
      return [row.gradient(context, g, reduced)];
    },
    samples() {
      const cases: [string, number[], number[], boolean][] = [
        ['rows', [5, 70], [1], false],
        ['columns', [70, 5], [0], false],
        ['planes', [2, 3, 7], [1], false],
        ['everything', [4, 5, 6], [0, 1, 2], false],
        ['global pool', [2, 3, 3, 5], [1, 2], true],
        ['apart', [3, 4, 2, 5], [0, 2], false],
        ['ends', [3, 4, 5], [0, -1], true],
        ['rank 6', [2, 3, 2, 2, 3, 2], [1, 3, 5], false],
        ['no axis', [3, 4], [], false],
        ['scalar', [], [], false],
      ];
      const samples = cases.map(
        ([title, shape, axes, keepDimensions], index): Sample<ReduceAttributes> => ({
          name: title,
          inputs: [floatSample(shape, index + 1)],
          attributes: { axes, keepDimensions },
        }),
      );
      // Central differences give each of two equals half, which is the share that the gradient gives them.
      const tied = valuesSample([2, 3], [4, 4, 1, -2, -3, -3]);
      return [...samples, { name: 'ties', inputs: [tied], attributes: { axes: [1], keepDimensions: false } }];
    },
  };
}

/** Reductions of a float32 tensor over axes: rows of one table over one shader. */
export const reduceOps = opsOf(rows, define);
