import type { Device } from '../../kernels/device.ts';
import type { Activation } from '../../kernels/parts/activation.ts';
import { matmul } from '../../tensor/functions.ts';
import { Parameter } from '../../tensor/parameter.ts';
import { scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { glorotUniform, type Initialiser, initialise } from '../initialisers.ts';
import { Module } from '../module.ts';
import type { Random } from '../random.ts';

export interface DenseOptions {
  readonly inputs: number;
  readonly units: number;
  readonly activation?: Activation;
  /** Default glorotUniform, as in Keras. */
  readonly kernelInitialiser?: Initialiser;
}

/** activation(x · kernel + bias) over the last axis: [..., inputs] → [..., units]. */
export class Dense extends Module {
  readonly kernel: Parameter;
  readonly bias: Parameter;
  readonly #activation: Activation;

  constructor(device: Device, random: Random | null, options: DenseOptions) {
    super();
    const { inputs, units, activation = 'linear', kernelInitialiser = glorotUniform } = options;
    this.kernel = new Parameter(device, initialise(kernelInitialiser, [inputs, units], random), [
      inputs,
      units,
    ]);
    this.bias = new Parameter(device, new Float32Array(units), [units]);
    this.#activation = activation;
  }

  forward(x: Tensor): Tensor {
    const [inputs, units] = this.kernel.shape;
    const options = { bias: this.bias, activation: this.#activation };
    if (x.rank === 2) return matmul(x, this.kernel, options);
    return scope(() => {
      const rows = matmul(x.reshape([-1, inputs]), this.kernel, options);
      return rows.reshape([...x.shape.slice(0, -1), units]);
    });
  }
}
