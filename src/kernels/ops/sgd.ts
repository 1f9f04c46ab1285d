import source from '../../../shaders/sgd.wgsl';
import { checkAlike, checkInputCount } from '../op/checks.ts';
import { UnsupportedError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { elementCount } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';

export interface SgdAttributes {
  readonly learningRate: number;
  /** Part of the last step that is taken again; 0 without a velocity. */
  readonly momentum: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    sgd: SgdAttributes;
  }
}

/**
 * One update of gradient descent with momentum as Keras has it:
 * velocity′ = momentum · velocity − learningRate · gradient, parameter′ = parameter + velocity′.
 */
export const sgd: OpDefinition<SgdAttributes> = {
  name: 'sgd',
  summary: 'parameter, gradient, velocity? [...] -> updated parameter (, velocity)',
  infer(inputs, { momentum }) {
    checkInputCount('sgd', inputs, 2, 3);
    checkAlike('sgd', inputs);
    if (inputs.length === 2 && momentum !== 0) {
      throw new UnsupportedError(
        `sgd: momentum ${momentum} given without a velocity; give one, or momentum 0`,
      );
    }
    return inputs.length === 3 ? [inputs[0], inputs[2]] : [inputs[0]];
  },
  cpu({ inputs: [p, g, velocity], outputs: [nextP, nextVelocity], attributes }) {
    const { learningRate, momentum } = attributes;
    if (!velocity) {
      for (let i = 0; i < nextP.length; i++) nextP[i] = p[i] - learningRate * g[i];
      return;
    }
    for (let i = 0; i < nextP.length; i++) {
      const step = momentum * velocity[i] - learningRate * g[i];
      nextVelocity[i] = step;
      nextP[i] = p[i] + step;
    }
  },
  wgsl({ inputs, outputs, attributes, adapter }) {
    const count = elementCount(outputs[0].shape);
    const moving = inputs.length === 3;
    return [
      {
        shader: { name: 'sgd', source },
        uniforms: { count, learningRate: attributes.learningRate, momentum: attributes.momentum },
        // Without a velocity the gradient stands in for it, times momentum 0, and the new one is thrown away.
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: moving ? 2 : 1 },
          { output: 0 },
          moving ? { output: 1 } : { scratch: 0, bytes: 4 * count },
        ],
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: 'none',
  samples: () => {
    const [p, g, velocity] = [floatSample([5, 31], 1), floatSample([5, 31], 2), floatSample([5, 31], 3)];
    return [
      { name: 'plain', inputs: [p, g], attributes: { learningRate: 0.1, momentum: 0 } },
      { name: 'momentum', inputs: [p, g, velocity], attributes: { learningRate: 0.1, momentum: 0.9 } },
    ];
  },
};
