import source from '../../../shaders/lstm-gates-gradient.wgsl';
import { checkDType, checkInputCount, checkShape } from '../op/checks.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { activationHook, activations, slopeHook } from '../parts/activation.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { hardGates, inferLstm, type LstmAttributes, lstmCases, lstmInputs } from '../parts/lstm.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    lstmGatesGradient: LstmAttributes;
  }
}

/** Backward pass of lstmGates; the gates are computed again from z, which is cheaper than keeping them. */
export const lstmGatesGradient: OpDefinition<LstmAttributes> = {
  name: 'lstmGatesGradient',
  summary: 'z [B, 4U], c, c′, dh, dc′ [B, U] -> dz [B, 4U], dc [B, U]',
  infer(inputs) {
    checkInputCount('lstmGatesGradient', inputs, 5);
    const [z, c, ...rest] = inputs;
    const state = inferLstm('lstmGatesGradient', z, c);
    for (const [index, what] of ['c′', 'dh', 'dc′'].entries()) {
      checkDType('lstmGatesGradient', what, rest[index], 'float32');
      checkShape('lstmGatesGradient', what, rest[index], state.shape);
    }
    return [z, state];
  },
  cpu({ inputs: [z, c, next, dh, dNext], inputSpecs, outputs: [dz, dc], attributes }) {
    const [batch, units] = inputSpecs[1].shape;
    const { value: activate, slope } = activations[attributes.activation];
    const { value: gate, slope: gateSlope } = activations[attributes.recurrentActivation];
    for (let row = 0; row < batch; row++) {
      const state = row * units;
      const gates = 4 * state;
      for (let unit = 0; unit < units; unit++) {
        const i = gate(z[gates + unit]);
        const f = gate(z[gates + units + unit]);
        const candidate = activate(z[gates + 2 * units + unit]);
        const o = gate(z[gates + 3 * units + unit]);
        const out = activate(next[state + unit]);
        const dCell = dNext[state + unit] + dh[state + unit] * o * slope(out);
        dz[gates + unit] = dCell * candidate * gateSlope(i);
        dz[gates + units + unit] = dCell * c[state + unit] * gateSlope(f);
        dz[gates + 2 * units + unit] = dCell * i * slope(candidate);
        dz[gates + 3 * units + unit] = dh[state + unit] * out * gateSlope(o);
        dc[state + unit] = dCell * f;
      }
    }
  },
  simd({ inputs: [z, c, next, dh, dNext], inputSpecs, outputs: [dz, dc], attributes, run }) {
    const [batch, units] = inputSpecs[1].shape;
    const hard = hardGates(attributes);
    if (hard === null || units < 4) return false;
    run('lstmGatesGradient', [z, c, next, dh, dNext, dz, dc, units, hard], batch, 8 * units);
    return true;
  },
  wgsl({ inputs: [, c], attributes, adapter }) {
    const [batch, units] = c.shape;
    return [
      {
        shader: { name: 'lstm-gates-gradient', source },
        hooks: [
          activationHook(attributes.activation),
          slopeHook(attributes.activation),
          activationHook(attributes.recurrentActivation, 'recurrentActivate'),
          slopeHook(attributes.recurrentActivation, 'recurrentSlope'),
        ],
        uniforms: { count: batch * units, units },
        grid: linearGrid(batch * units, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: 'none',
  samples: () =>
    lstmCases.map(({ name, batch, units, attributes }) => ({
      name,
      inputs: [
        ...lstmInputs(batch, units),
        floatSample([batch, units], 3),
        floatSample([batch, units], 4),
        floatSample([batch, units], 5),
      ],
      attributes,
    })),
};
