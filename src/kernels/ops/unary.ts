import source from '../../../shaders/unary.wgsl';
import { checkDType, checkInputCount } from '../op/checks.ts';
import type { NoAttributes, OpDefinition } from '../op/op.ts';
import { opsOf } from '../op/op-rows.ts';
import { floatSample, valuesSample } from '../op/samples.ts';
import { elementCount, type NumericArray } from '../op/spec.ts';
import { type Activation, activations, hardSigmoid, sigmoid } from '../parts/activation.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { operationNumber, UnaryOperation } from '../parts/simd-operations.ts';
import { elementUnits, UNIT_ELEMENTS } from '../parts/simd-units.ts';

/** The slope of a function, of its operand x or of its result y. */
interface Slope {
  readonly of: 'x' | 'y';
  readonly value: (operand: number) => number;
  /** WGSL expression in `x` or `y`. */
  readonly wgsl: string;
}

interface Row {
  readonly formula: string;
  /** Each row has a loop of its own: a function called per element through one shared loop is not inlined. */
  readonly loop: (x: NumericArray, y: NumericArray) => void;
  /** WGSL expression in `x`. */
  readonly wgsl: string;
  /** Without it there is no gradient. */
  readonly slope?: Slope;
  /** Range of the random samples; within the domain of the function. */
  readonly domain: readonly [number, number];
  /** A point without derivative. */
  readonly kink?: number;
}

/** What a row has in common with the activation of a product. */
function asActivation(name: Activation): Pick<Row, 'wgsl' | 'slope'> {
  const { wgslValue, slope, wgslSlope } = activations[name];
  return { wgsl: wgslValue, slope: { of: 'y', value: slope, wgsl: wgslSlope } };
}

const table = {
  negate: {
    formula: '-x',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = -x[i];
    },
    wgsl: '-x',
    slope: { of: 'y', value: () => -1, wgsl: '-1.0' },
    domain: [-2, 2],
  },
  abs: {
    formula: '|x|',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.abs(x[i]);
    },
    wgsl: 'abs(x)',
    slope: { of: 'x', value: Math.sign, wgsl: 'sign(x)' },
    domain: [-2, 2],
    kink: 0,
  },
  exp: {
    formula: 'eˣ; overflows past x = 88',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.exp(x[i]);
    },
    wgsl: 'exp(x)',
    slope: { of: 'y', value: (y) => y, wgsl: 'y' },
    domain: [-3, 3],
  },
  log: {
    formula: 'natural logarithm of x > 0',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.log(x[i]);
    },
    wgsl: 'log(x)',
    slope: { of: 'x', value: (x) => 1 / x, wgsl: '1.0 / x' },
    domain: [0.1, 4],
  },
  sqrt: {
    formula: '√x of x >= 0',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.sqrt(x[i]);
    },
    wgsl: 'sqrt(x)',
    slope: { of: 'y', value: (y) => 0.5 / y, wgsl: '0.5 / y' },
    domain: [0.1, 4],
  },
  reciprocal: {
    formula: '1 / x',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = 1 / x[i];
    },
    wgsl: '1.0 / x',
    slope: { of: 'y', value: (y) => -y * y, wgsl: '-y * y' },
    domain: [0.2, 3],
  },
  square: {
    formula: 'x²',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = x[i] * x[i];
    },
    wgsl: 'x * x',
    slope: { of: 'x', value: (x) => 2 * x, wgsl: '2.0 * x' },
    domain: [-2, 2],
  },
  relu: {
    formula: 'max(x, 0)',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.max(x[i], 0);
    },
    ...asActivation('relu'),
    domain: [-2, 2],
    kink: 0,
  },
  sigmoid: {
    formula: '1 / (1 + e⁻ˣ)',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = sigmoid(x[i]);
    },
    ...asActivation('sigmoid'),
    domain: [-4, 4],
  },
  hardSigmoid: {
    formula: 'clip(0.2 x + 0.5, 0, 1), as Keras has it',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = hardSigmoid(x[i]);
    },
    ...asActivation('hardSigmoid'),
    domain: [-4, 4],
    kink: 2.5,
  },
  tanh: {
    formula: 'hyperbolic tangent',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.tanh(x[i]);
    },
    ...asActivation('tanh'),
    domain: [-4, 4],
  },
} satisfies Record<string, Row>;

export type UnaryName = keyof typeof table;

type UnaryAttributes = Readonly<Record<UnaryName, NoAttributes>>;

declare module '../op/op.ts' {
  interface OpAttributes extends UnaryAttributes {}
}

export const unaryRows: Readonly<Record<UnaryName, Row>> = table;

function define(name: UnaryName, row: Row): OpDefinition<NoAttributes> {
  const [low, high] = row.domain;
  const { slope } = row;
  const number = operationNumber(UnaryOperation, name);
  return {
    name,
    summary: `x [...] -> [...]: ${row.formula}, element by element`,
    infer(inputs) {
      checkInputCount(name, inputs, 1);
      checkDType(name, 'x', inputs[0], 'float32');
      return [inputs[0]];
    },
    cpu({ inputs, outputs }) {
      row.loop(inputs[0], outputs[0]);
    },
    simd({ inputs, inputSpecs, outputs, run }) {
      const count = elementCount(inputSpecs[0].shape);
      if (number === undefined || count < 4) return false;
      run('unary', [number, inputs[0], outputs[0], count], elementUnits(count), UNIT_ELEMENTS);
      return true;
    },
    wgsl({ inputs, adapter }) {
      const count = elementCount(inputs[0].shape);
      return [
        {
          shader: { name: 'unary', source },
          hooks: [{ name, source: `fn operation(x: f32) -> f32 { return ${row.wgsl}; }` }],
          uniforms: { count },
          grid: linearGrid(count, WORKGROUP_SIZE, adapter),
        },
      ];
    },
    flops: ({ inputs: [{ shape }] }) => elementCount(shape),
    gradient: slope
      ? (context) => {
          const [operand] = slope.of === 'x' ? context.inputs : context.outputs;
          return [context.run('unaryGradient', [operand, context.gradients[0]], { operation: name })];
        }
      : 'none',
    samples() {
      const samples = [
        { name: 'matrix', inputs: [floatSample([5, 13], 1, low, high)], attributes: {} },
        { name: 'scalar', inputs: [floatSample([], 2, low, high)], attributes: {} },
      ];
      if (row.kink === undefined) return samples;
      const kink = valuesSample([3], [row.kink, -row.kink, 1]);
      return [...samples, { name: 'kink', inputs: [kink], attributes: {}, differentiable: false }];
    },
  };
}

/** Functions of one float32 tensor, element by element: rows of one table over one shader. */
export const unaryOps = opsOf(unaryRows, define);
