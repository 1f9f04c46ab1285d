import source from '../../../shaders/binary.wgsl';
import { checkInputCount } from '../op/checks.ts';
import { DTypeError } from '../op/errors.ts';
import type { GradientContext, NoAttributes, OpDefinition, Sample, Value } from '../op/op.ts';
import { opsOf } from '../op/op-rows.ts';
import { floatSample, integerSample, valuesSample } from '../op/samples.ts';
import { broadcastShapes, describe, elementCount, type TensorSpec } from '../op/spec.ts';
import { sumToShape } from '../parts/gradients.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { axesUniform, broadcastStrides, collapse, type Layout, walkRuns } from '../parts/layout.ts';
import { BinaryOperation, operationNumber } from '../parts/simd-operations.ts';
import { elementUnits } from '../parts/simd-units.ts';
import { type BinaryLoop, binaryLoops } from './binary-loops.ts';

type BinaryName = keyof typeof binaryLoops;

type BinaryAttributes = Readonly<Record<BinaryName, NoAttributes>>;

declare module '../op/op.ts' {
  interface OpAttributes extends BinaryAttributes {}
}

type Context = GradientContext<NoAttributes>;

interface Row {
  readonly formula: string;
  /** WGSL expression in `a` and `b` of type Element. */
  readonly wgsl: string;
  /** Gradients of a and b before what was broadcast is summed, each computed only when wanted. */
  readonly gradient?: (
    context: Context,
    g: Value,
    a: Value,
    b: Value,
    y: Value,
  ) => [() => Value, () => Value];
  readonly integersOnly?: boolean;
}

/** The part of g that belongs to b where `first` exceeds `second`; a tie belongs to a, as TensorFlow has it. */
function where(context: Context, g: Value, first: Value, second: Value): Value {
  return context.run('multiply', [g, context.run('greater', [first, second], {})], {});
}

const rows: Readonly<Record<BinaryName, Row>> = {
  add: { formula: 'a + b', wgsl: 'a + b', gradient: (_context, g) => [() => g, () => g] },
  subtract: {
    formula: 'a - b',
    wgsl: 'a - b',
    gradient: (context, g) => [() => g, () => context.run('negate', [g], {})],
  },
  multiply: {
    formula: 'a b',
    wgsl: 'a * b',
    gradient: (context, g, a, b) => [
      () => context.run('multiply', [g, b], {}),
      () => context.run('multiply', [g, a], {}),
    ],
  },
  divide: {
    formula: 'a / b; integers towards zero',
    wgsl: 'a / b',
    gradient: (context, g, _a, b, y) => [
      () => context.run('divide', [g, b], {}),
      () => context.run('negate', [context.run('divide', [context.run('multiply', [g, y], {}), b], {})], {}),
    ],
  },
  maximum: {
    formula: 'the larger',
    wgsl: 'max(a, b)',
    gradient: (context, g, a, b) => [
      () => context.run('subtract', [g, where(context, g, b, a)], {}),
      () => where(context, g, b, a),
    ],
  },
  minimum: {
    formula: 'the smaller',
    wgsl: 'min(a, b)',
    gradient: (context, g, a, b) => [
      () => context.run('subtract', [g, where(context, g, a, b)], {}),
      () => where(context, g, a, b),
    ],
  },
  greater: { formula: '1 where a > b, else 0', wgsl: 'select(Element(0), Element(1), a > b)' },
  equal: { formula: '1 where a = b, else 0', wgsl: 'select(Element(0), Element(1), a == b)' },
  floorDivide: {
    formula: 'a / b rounded down',
    wgsl: 'a / b - select(Element(0), Element(1), a % b != Element(0) && (a < Element(0)) != (b < Element(0)))',
    integersOnly: true,
  },
  modulo: {
    formula: 'remainder of the division rounded down, of the sign of b',
    wgsl: '(a % b + b) % b',
    integersOnly: true,
  },
};

/** How both operands are read for each element of y. */
function layoutOf([a, b]: readonly TensorSpec[], { shape }: TensorSpec): Layout {
  return collapse(shape, broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape));
}

function define(name: BinaryName, row: Row): OpDefinition<NoAttributes> {
  const loop: BinaryLoop = binaryLoops[name];
  const { gradient } = row;
  // The kernels compute no integers.
  const number = operationNumber(BinaryOperation, name);
  return {
    name,
    summary: `a [...], b [...] -> their broadcast: ${row.formula}`,
    infer(inputs) {
      checkInputCount(name, inputs, 2);
      const [a, b] = inputs;
      if (a.dtype !== b.dtype) {
        throw new DTypeError(
          `${name}: ${describe(a)} with ${describe(b)}; cast one to the type of the other`,
        );
      }
      if (row.integersOnly && a.dtype !== 'int32') {
        throw new DTypeError(`${name}: given ${a.dtype}, expected int32; cast both, or divide instead`);
      }
      return [{ shape: broadcastShapes(name, a.shape, b.shape), dtype: a.dtype }];
    },
    cpu({ inputs, inputSpecs, outputs, outputSpecs }) {
      const layout = layoutOf(inputSpecs, outputSpecs[0]);
      const inner = layout.shape.length - 1;
      const count = layout.shape[inner];
      const [aStep, bStep] = [layout.strides[0][inner], layout.strides[1][inner]];
      walkRuns(layout, ([aStart, bStart], run) => {
        loop(inputs[0], aStart, aStep, inputs[1], bStart, bStep, outputs[0], run * count, count);
      });
    },
    simd({ inputs, inputSpecs, outputs, outputSpecs, run }) {
      if (number === undefined || outputSpecs[0].dtype !== 'float32') return false;
      const { shape, strides } = layoutOf(inputSpecs, outputSpecs[0]);
      if (shape.length > 2) return false;
      const [count, columns] = shape.length === 1 ? [1, shape[0]] : shape;
      if (columns < 4) return false;
      const [[aRow, aStep], [bRow, bStep]] = strides.map((steps) =>
        shape.length === 1 ? [0, ...steps] : steps,
      );
      const units = count * elementUnits(columns);
      run(
        'binary',
        [number, inputs[0], aRow, aStep, inputs[1], bRow, bStep, outputs[0], columns],
        units,
        (0.4 * count * columns) / units,
      );
      return true;
    },
    wgsl({ inputs, outputs, adapter }) {
      const { shape, dtype } = outputs[0];
      const layout = layoutOf(inputs, outputs[0]);
      const count = elementCount(shape);
      return [
        {
          shader: { name: 'binary', source },
          hooks: [
            { name, source: `fn operation(a: Element, b: Element) -> Element { return ${row.wgsl}; }` },
          ],
          constants: { Element: dtype === 'int32' ? 'i32' : 'f32', AXES: layout.shape.length },
          uniforms: {
            count,
            shape: axesUniform(layout.shape),
            aStrides: axesUniform(layout.strides[0]),
            bStrides: axesUniform(layout.strides[1]),
          },
          grid: linearGrid(count, WORKGROUP_SIZE, adapter),
        },
      ];
    },
    flops: ({ outputs: [{ shape, dtype }] }) => (dtype === 'float32' ? elementCount(shape) : 0),
    gradient: gradient
      ? (context) => {
          const [a, b] = context.inputs;
          const parts = gradient(context, context.gradients[0], a, b, context.outputs[0]);
          return parts.map((part, input) =>
            context.needs[input] ? sumToShape(context, part(), context.inputs[input].shape) : null,
          );
        }
      : 'none',
    samples: () => samplesOf(name),
  };
}

function samplesOf(name: BinaryName): Sample<NoAttributes>[] {
  const attributes = {};
  const away = name === 'divide' ? 0.5 : -1;
  const integers = [integerSample([3, 7], 1, -9, 9), integerSample([7], 2, 1, 5)];
  const samples: Sample<NoAttributes>[] = [
    { name: 'int32', inputs: integers, attributes },
    {
      name: 'negative int32',
      inputs: [valuesSample([4], [7, -7, 6, -6], 'int32'), valuesSample([4], [-3, 3, -3, -3], 'int32')],
      attributes,
    },
  ];
  if (rows[name].integersOnly) return samples;
  const pairs: [string, number[], number[]][] = [
    ['same shape', [5, 13], [5, 13]],
    ['bias', [2, 3, 5], [5]],
    ['scalar', [4, 3], []],
    ['scalar first', [], [4, 3]],
    ['column', [4, 3], [4, 1]],
    ['wide bias', [3, 11], [1, 11]],
    ['wide column', [3, 1], [3, 9]],
    ['outer', [3, 1, 5], [1, 4, 1]],
    ['middle', [2, 3, 4, 5], [3, 1, 5]],
  ];
  for (const [title, a, b] of pairs) {
    samples.push({
      name: title,
      inputs: [floatSample(a, 5, -1, 1), floatSample(b, 6, away, away + 2)],
      attributes,
    });
  }
  const ties = [valuesSample([3], [1, 2, 0]), valuesSample([3], [1, 1, 3])];
  samples.push({ name: 'ties', inputs: ties, attributes, differentiable: name === 'divide' });
  return samples;
}

/** Functions of two tensors of one type, element by element with broadcasting: rows of one table over one shader. */
export const binaryOps = opsOf(rows, define);
