import type { Case } from '../workload.ts';
import { bytesOf, uniform } from './seeded-array.ts';

declare module '../workload.ts' {
  interface WorkloadKinds {
    /** Hidden and cell state [B, U] from pre-activations z [B, 4U] (gates i, f, c, o: tanh, sigmoid) and cell state c [B, U]. */
    lstmGates: { readonly z: HostArray; readonly c: HostArray };
    /** A whole step: the same, from z = x · kernel + h · recurrentKernel + bias. */
    lstmStep: {
      /** [B, I] */
      readonly x: HostArray;
      /** [B, U] each. */
      readonly h: HostArray;
      readonly c: HostArray;
      /** [I, 4U] */
      readonly kernel: HostArray;
      /** [U, 4U] */
      readonly recurrentKernel: HostArray;
      /** [4U] */
      readonly bias: HostArray;
    };
  }
}

/** Four activations of the gates and one of the cell, each counted as one, and four products and sums. */
const operationsPerUnit = 9;

// Sigmoid and tanh differ in their last bits from one machine to the next.
const tolerance = 2e-5;

function gatesCase(batch: number, units: number, quick = false): Case {
  return {
    name: `lstm/gates-${batch}x${units}`,
    group: 'LSTM',
    flops: operationsPerUnit * batch * units,
    bytes: bytesOf([batch, 4 * units], [batch, units], [batch, units], [batch, units]),
    quick,
    tolerance,
    workload: () => ({
      kind: 'lstmGates',
      z: uniform([batch, 4 * units], 1, -3, 3),
      c: uniform([batch, units], 2),
    }),
  };
}

function stepCase(batch: number, inputs: number, units: number, quick = false): Case {
  const shapes = {
    x: [batch, inputs],
    state: [batch, units],
    kernel: [inputs, 4 * units],
    recurrentKernel: [units, 4 * units],
    bias: [4 * units],
  };
  const { x, state, kernel, recurrentKernel, bias } = shapes;
  return {
    name: `lstm/step-${batch}x${inputs}-${units}`,
    group: 'LSTM',
    flops: 2 * batch * (inputs + units) * 4 * units + operationsPerUnit * batch * units,
    bytes: bytesOf(x, kernel, recurrentKernel, bias, state, state, state, state),
    quick,
    tolerance,
    workload: () => {
      const limit = 1 / Math.sqrt(inputs);
      return {
        kind: 'lstmStep',
        x: uniform(x, 1),
        h: uniform(state, 2),
        c: uniform(state, 3),
        kernel: uniform(kernel, 4, -limit, limit),
        recurrentKernel: uniform(recurrentKernel, 5, -limit, limit),
        bias: uniform(bias, 6),
      };
    },
  };
}

/** The shipped captioner's cell (256 → 512) and a wider one (512 → 768), for a sentence, a beam and a batch. */
export const lstmCases: readonly Case[] = [
  gatesCase(1, 512),
  gatesCase(64, 512, true),
  gatesCase(64, 768),
  stepCase(1, 256, 512, true),
  stepCase(3, 256, 512),
  stepCase(64, 256, 512),
  stepCase(1, 512, 768),
  stepCase(64, 512, 768),
];
