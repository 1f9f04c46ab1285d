import type { Device } from '../../kernels/device.ts';
import type { Activation } from '../../kernels/parts/activation.ts';
import { lstmGates, matmul } from '../../tensor/functions.ts';
import { Parameter } from '../../tensor/parameter.ts';
import { scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { glorotUniform, initialise, orthogonal } from '../initialisers.ts';
import { Module } from '../module.ts';
import type { Random } from '../random.ts';
import type { LSTMState } from './lstm-sequence.ts';
import { lstmSequence } from './lstm-sequence.ts';

export interface LSTMOptions {
  readonly inputs: number;
  readonly units: number;
  /** Of the candidate and the output. Default tanh. */
  readonly activation?: Activation;
  /** Of the gates. Default sigmoid; Keras before TF 2 used hardSigmoid. */
  readonly recurrentActivation?: Activation;
}

/** Long short-term memory (Hochreiter and Schmidhuber 1997) as Keras has it: gates i, f, c, o; unit forget bias. */
export class LSTM extends Module {
  readonly kernel: Parameter;
  readonly recurrentKernel: Parameter;
  readonly bias: Parameter;
  /** Of candidate and output, and of the gates. */
  readonly activations: { readonly activation: Activation; readonly recurrentActivation: Activation };

  constructor(device: Device, random: Random | null, options: LSTMOptions) {
    super();
    const { inputs, units, activation = 'tanh', recurrentActivation = 'sigmoid' } = options;
    this.kernel = new Parameter(device, initialise(glorotUniform, [inputs, 4 * units], random), [
      inputs,
      4 * units,
    ]);
    const recurrent = initialise(orthogonal(), [units, 4 * units], random);
    this.recurrentKernel = new Parameter(device, recurrent, [units, 4 * units]);
    const bias = new Float32Array(4 * units).fill(1, units, 2 * units);
    this.bias = new Parameter(device, bias, [4 * units]);
    this.activations = { activation, recurrentActivation };
  }

  /** x · kernel + bias for all time steps at once: [R, inputs] → [R, 4·units], one large GEMM. */
  project(x: Tensor): Tensor {
    return matmul(x, this.kernel, { bias: this.bias });
  }

  /** One step from inputs [B, inputs]. */
  step(x: Tensor, state: LSTMState): LSTMState {
    return scope(() => this.advance(this.project(x), state));
  }

  /**
   * All steps of B sentences under teacher forcing. Projected inputs [R, 4U] lie time-major and packed: step t has the
   * first `active[t]` sentences, falling. `context` [B, 4U], where there is one, is added at every step. Returns the hidden states [R, U].
   */
  sequence(projected: Tensor, context: Tensor | null, state: LSTMState, active: readonly number[]): Tensor {
    const { recurrentKernel, activations } = this;
    return scope(() => lstmSequence({ projected, context, recurrentKernel, state, active, ...activations }));
  }

  /** One step from inputs that went through {@link project}. */
  advance(projected: Tensor, { h, c }: LSTMState): LSTMState {
    return scope(() => {
      const z = projected.add(matmul(h, this.recurrentKernel));
      const { activation, recurrentActivation } = this.activations;
      return lstmGates(z, c, activation, recurrentActivation);
    });
  }
}
