import source from '../../../shaders/unary.wgsl';
import { type Activation, activations, hardSigmoid, sigmoid } from '../activation.ts';
import { checkDType, checkInputCount } from '../checks.ts';
import { elementUnits, UNIT_ELEMENTS } from '../cpu/units.ts';
import { scalar } from '../gradients.ts';
import { linearGrid, WORKGROUP_SIZE } from '../grid.ts';
import type { GradientContext, NoAttributes, OpDefinition, Value } from '../op.ts';
import { floatSample, valuesSample } from '../samples.ts';
import { elementCount, type NumericArray } from '../spec.ts';

type UnaryName =
  | 'negate'
  | 'abs'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'reciprocal'
  | 'square'
  | 'relu'
  | 'sigmoid'
  | 'hardSigmoid'
  | 'tanh';

declare module '../op.ts' {
  interface OpAttributes {
    negate: NoAttributes;
    abs: NoAttributes;
    exp: NoAttributes;
    log: NoAttributes;
    sqrt: NoAttributes;
    reciprocal: NoAttributes;
    square: NoAttributes;
    relu: NoAttributes;
    sigmoid: NoAttributes;
    hardSigmoid: NoAttributes;
    tanh: NoAttributes;
  }
}

type Context = GradientContext<NoAttributes>;

interface Row {
  readonly formula: string;
  /** Each row has a loop of its own: a function called per element through one shared loop is not inlined. */
  readonly loop: (x: NumericArray, y: NumericArray) => void;
  /** WGSL expression in `x`. */
  readonly wgsl: string;
  /** How the SIMD kernels number it: an activation by its code, the others from 5. */
  readonly simd?: number;
  readonly gradient: (context: Context, g: Value, x: Value, y: Value) => Value;
  /** Range of the random samples; within the domain, and away from kinks where `positive`. */
  readonly domain: readonly [number, number];
  /** A point without derivative. */
  readonly kink?: number;
}

function throughOutput(activation: Activation): Row['gradient'] {
  return (context, g, _x, y) => context.run('activationGradient', [y, g], { activation });
}

const rows: Readonly<Record<UnaryName, Row>> = {
  negate: {
    formula: '-x',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = -x[i];
    },
    wgsl: '-x',
    simd: 5,
    gradient: (context, g) => context.run('negate', [g], {}),
    domain: [-2, 2],
  },
  abs: {
    formula: '|x|',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.abs(x[i]);
    },
    wgsl: 'abs(x)',
    simd: 6,
    gradient: (context, g, x) => {
      const zero = scalar(context, 0);
      const positive = context.run('greater', [x, zero], {});
      const negative = context.run('greater', [zero, x], {});
      return context.run('multiply', [g, context.run('subtract', [positive, negative], {})], {});
    },
    domain: [-2, 2],
    kink: 0,
  },
  exp: {
    formula: 'eˣ; overflows past x = 88',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.exp(x[i]);
    },
    wgsl: 'exp(x)',
    simd: 7,
    gradient: (context, g, _x, y) => context.run('multiply', [g, y], {}),
    domain: [-3, 3],
  },
  log: {
    formula: 'natural logarithm of x > 0',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.log(x[i]);
    },
    wgsl: 'log(x)',
    gradient: (context, g, x) => context.run('divide', [g, x], {}),
    domain: [0.1, 4],
  },
  sqrt: {
    formula: '√x of x >= 0',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.sqrt(x[i]);
    },
    wgsl: 'sqrt(x)',
    simd: 8,
    gradient: (context, g, _x, y) =>
      context.run('divide', [context.run('multiply', [g, scalar(context, 0.5)], {}), y], {}),
    domain: [0.1, 4],
  },
  reciprocal: {
    formula: '1 / x',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = 1 / x[i];
    },
    wgsl: '1.0 / x',
    simd: 9,
    gradient: (context, g, _x, y) =>
      context.run('negate', [context.run('multiply', [g, context.run('square', [y], {})], {})], {}),
    domain: [0.2, 3],
  },
  square: {
    formula: 'x²',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = x[i] * x[i];
    },
    wgsl: 'x * x',
    simd: 10,
    gradient: (context, g, x) =>
      context.run('multiply', [context.run('multiply', [g, scalar(context, 2)], {}), x], {}),
    domain: [-2, 2],
  },
  relu: {
    formula: 'max(x, 0)',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.max(x[i], 0);
    },
    wgsl: activations.relu.wgslValue,
    simd: activations.relu.code,
    gradient: throughOutput('relu'),
    domain: [-2, 2],
    kink: 0,
  },
  sigmoid: {
    formula: '1 / (1 + e⁻ˣ)',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = sigmoid(x[i]);
    },
    wgsl: activations.sigmoid.wgslValue,
    simd: activations.sigmoid.code,
    gradient: throughOutput('sigmoid'),
    domain: [-4, 4],
  },
  hardSigmoid: {
    formula: 'clip(0.2 x + 0.5, 0, 1), as Keras has it',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = hardSigmoid(x[i]);
    },
    wgsl: activations.hardSigmoid.wgslValue,
    simd: activations.hardSigmoid.code,
    gradient: throughOutput('hardSigmoid'),
    domain: [-4, 4],
    kink: 2.5,
  },
  tanh: {
    formula: 'hyperbolic tangent',
    loop: (x, y) => {
      for (let i = 0; i < y.length; i++) y[i] = Math.tanh(x[i]);
    },
    wgsl: activations.tanh.wgslValue,
    simd: activations.tanh.code,
    gradient: throughOutput('tanh'),
    domain: [-4, 4],
  },
};

function define(name: UnaryName): OpDefinition<NoAttributes> {
  const row = rows[name];
  const [low, high] = row.domain;
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
      if (row.simd === undefined || count < 4) return false;
      run('unary', [row.simd, inputs[0], outputs[0], count], elementUnits(count), UNIT_ELEMENTS);
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
    gradient: (context) => [
      row.gradient(context, context.gradients[0], context.inputs[0], context.outputs[0]),
    ],
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
export const unaryOps: { readonly [K in UnaryName]: OpDefinition<NoAttributes> } = {
  negate: define('negate'),
  abs: define('abs'),
  exp: define('exp'),
  log: define('log'),
  sqrt: define('sqrt'),
  reciprocal: define('reciprocal'),
  square: define('square'),
  relu: define('relu'),
  sigmoid: define('sigmoid'),
  hardSigmoid: define('hardSigmoid'),
  tanh: define('tanh'),
};
