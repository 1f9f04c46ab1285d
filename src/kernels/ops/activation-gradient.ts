import source from '../../../shaders/activation-gradient.wgsl';
import { type Activation, activations, slopeHook } from '../activation.ts';
import { checkAlike, checkInputCount } from '../checks.ts';
import { elementUnits, UNIT_ELEMENTS } from '../cpu/units.ts';
import { linearGrid, WORKGROUP_SIZE } from '../grid.ts';
import type { OpDefinition, Sample } from '../op.ts';
import { floatSample, valuesSample } from '../samples.ts';
import { elementCount, type NumericArray } from '../spec.ts';

export interface ActivationGradientAttributes {
  readonly activation: Activation;
}

declare module '../op.ts' {
  interface OpAttributes {
    activationGradient: ActivationGradientAttributes;
  }
}

type Loop = (y: NumericArray, g: NumericArray, output: NumericArray) => void;

/** One loop per activation, so that each compiles to straight code. */
const loops: Readonly<Record<Activation, Loop>> = {
  linear: (_y, g, output) => output.set(g),
  relu: (y, g, output) => {
    for (let i = 0; i < output.length; i++) output[i] = y[i] > 0 ? g[i] : 0;
  },
  sigmoid: (y, g, output) => {
    for (let i = 0; i < output.length; i++) output[i] = g[i] * y[i] * (1 - y[i]);
  },
  tanh: (y, g, output) => {
    for (let i = 0; i < output.length; i++) output[i] = g[i] * (1 - y[i] * y[i]);
  },
  hardSigmoid: (y, g, output) => {
    for (let i = 0; i < output.length; i++) output[i] = y[i] > 0 && y[i] < 1 ? 0.2 * g[i] : 0;
  },
};

/** Backward pass of an activation from its output: the input need not be kept. */
export const activationGradient: OpDefinition<ActivationGradientAttributes> = {
  name: 'activationGradient',
  summary: 'y [...], g [...] -> [...]: g times the slope of the activation whose output is y',
  infer(inputs) {
    checkInputCount('activationGradient', inputs, 2);
    checkAlike('activationGradient', inputs);
    return [inputs[0]];
  },
  cpu({ inputs, outputs, attributes }) {
    loops[attributes.activation](inputs[0], inputs[1], outputs[0]);
  },
  simd({ inputs: [y, g], outputs: [dx], outputSpecs, attributes, run }) {
    const count = elementCount(outputSpecs[0].shape);
    if (count < 4 || attributes.activation === 'linear') return false;
    const { code } = activations[attributes.activation];
    run('activationGradient', [code, y, g, dx, count], elementUnits(count), 0.4 * UNIT_ELEMENTS);
    return true;
  },
  wgsl({ outputs, attributes, adapter }) {
    const count = elementCount(outputs[0].shape);
    return [
      {
        shader: { name: 'activation-gradient', source },
        hooks: [slopeHook(attributes.activation)],
        uniforms: { count },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: 'none',
  samples() {
    const names: Activation[] = ['linear', 'relu', 'sigmoid', 'tanh', 'hardSigmoid'];
    return names.map((activation): Sample<ActivationGradientAttributes> => {
      const y = floatSample([3, 23], 3, activation === 'tanh' ? -1 : 0, 1);
      const edges = [0, 1, ...y.data.slice(2)];
      return {
        name: activation,
        inputs: [valuesSample([3, 23], edges), floatSample([3, 23], 4)],
        attributes: { activation },
      };
    });
  },
};
