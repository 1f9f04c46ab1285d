import source from '../../../shaders/lstm-gates.wgsl';
import { checkInputCount } from '../op/checks.ts';
import type { OpDefinition } from '../op/op.ts';
import { elementCount } from '../op/spec.ts';
import { activationHook, activations } from '../parts/activation.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { hardGates, inferLstm, type LstmAttributes, lstmCases, lstmInputs } from '../parts/lstm.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    lstmGates: LstmAttributes;
  }
}

/**
 * What an LSTM cell does after its matrix product (Hochreiter and Schmidhuber 1997, with Keras's gate order):
 * z = [i, f, candidate, o], c′ = f c + i candidate, h = o activation(c′).
 */
export const lstmGates: OpDefinition<LstmAttributes> = {
  name: 'lstmGates',
  summary: 'z [B, 4U] in the order i, f, c, o, c [B, U] -> h [B, U], c′ [B, U]',
  infer(inputs) {
    checkInputCount('lstmGates', inputs, 2);
    const state = inferLstm('lstmGates', inputs[0], inputs[1]);
    return [state, state];
  },
  cpu({ inputs: [z, c], inputSpecs, outputs: [h, next], attributes }) {
    const [batch, units] = inputSpecs[1].shape;
    const activate = activations[attributes.activation].value;
    const gate = activations[attributes.recurrentActivation].value;
    for (let row = 0; row < batch; row++) {
      const state = row * units;
      const gates = 4 * state;
      for (let unit = 0; unit < units; unit++) {
        const i = gate(z[gates + unit]);
        const f = gate(z[gates + units + unit]);
        const candidate = activate(z[gates + 2 * units + unit]);
        const o = gate(z[gates + 3 * units + unit]);
        const cell = f * c[state + unit] + i * candidate;
        next[state + unit] = cell;
        h[state + unit] = o * activate(cell);
      }
    }
  },
  simd({ inputs: [z, c], inputSpecs, outputs: [h, next], attributes, run }) {
    const [batch, units] = inputSpecs[1].shape;
    const hard = hardGates(attributes);
    if (hard === null || units < 4) return false;
    run('lstmGates', [z, c, h, next, units, hard], batch, 6 * units);
    return true;
  },
  wgsl({ inputs: [, c], attributes, adapter }) {
    const [batch, units] = c.shape;
    return [
      {
        shader: { name: 'lstm-gates', source },
        hooks: [
          activationHook(attributes.activation),
          activationHook(attributes.recurrentActivation, 'recurrentActivate'),
        ],
        uniforms: { count: batch * units, units },
        grid: linearGrid(batch * units, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  // Five activations, three products and a sum for each unit.
  flops: ({ inputs: [, c] }) => 9 * elementCount(c.shape),
  gradient: (context) =>
    context.runAll(
      'lstmGatesGradient',
      [...context.inputs, context.outputs[1], ...context.gradients],
      context.attributes,
    ),
  samples: () =>
    lstmCases.map(({ name, batch, units, attributes }) => ({
      name,
      inputs: lstmInputs(batch, units),
      attributes,
    })),
};
