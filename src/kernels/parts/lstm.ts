import { checkDType, checkRank, checkShape } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { SampleInput } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { describe, type TensorSpec } from '../op/spec.ts';
import type { Activation } from './activation.ts';

export interface LstmAttributes {
  /** Of the candidate and of the cell state on its way out. */
  readonly activation: Activation;
  /** Of the input, forget and output gates. */
  readonly recurrentActivation: Activation;
}

/** Checks pre-activations z [B, 4U] with a cell state c [B, U]; returns the spec of a state. */
export function inferLstm(op: string, z: TensorSpec, c: TensorSpec): TensorSpec {
  checkDType(op, 'z', z, 'float32');
  checkDType(op, 'c', c, 'float32');
  checkRank(op, 'z', z, 2, '[batch, 4 units]');
  if (z.shape[1] % 4 !== 0) {
    throw new ShapeError(`${op}: z is ${describe(z)}; its columns hold four gates and must divide by 4`);
  }
  checkShape(op, 'c', c, [z.shape[0], z.shape[1] / 4]);
  return { shape: c.shape, dtype: 'float32' };
}

/** How the SIMD kernels are told the gates: 1 for hard sigmoid, 0 for sigmoid; null for a cell that they do not have. */
export function hardGates({ activation, recurrentActivation }: LstmAttributes): 0 | 1 | null {
  if (activation !== 'tanh') return null;
  if (recurrentActivation === 'hardSigmoid') return 1;
  return recurrentActivation === 'sigmoid' ? 0 : null;
}

/** Batches and cells that the tests of the LSTM ops run. */
export const lstmCases: readonly {
  name: string;
  batch: number;
  units: number;
  attributes: LstmAttributes;
}[] = [
  {
    name: 'Keras 2',
    batch: 3,
    units: 25,
    attributes: { activation: 'tanh', recurrentActivation: 'sigmoid' },
  },
  {
    name: 'Keras 1',
    batch: 2,
    units: 7,
    attributes: { activation: 'tanh', recurrentActivation: 'hardSigmoid' },
  },
  {
    name: 'one unit',
    batch: 1,
    units: 1,
    attributes: { activation: 'relu', recurrentActivation: 'sigmoid' },
  },
];

export function lstmInputs(batch: number, units: number): SampleInput[] {
  return [floatSample([batch, 4 * units], 1, -2.4, 2.4), floatSample([batch, units], 2, -1, 1)];
}
