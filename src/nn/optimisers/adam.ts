import type { Parameter } from '../../tensor/parameter.ts';
import { executeAll, type Tensor } from '../../tensor/tensor.ts';
import { Optimiser } from './optimiser.ts';

export interface AdamOptions {
  /** Keras's defaults: 0.9, 0.999, 1e-7. */
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/** Adam (Kingma and Ba 2015) as Keras has it. */
export class Adam extends Optimiser {
  protected override readonly roles = ['mean', 'square'];
  readonly #options: Required<AdamOptions>;

  constructor(parameters: ReadonlyMap<string, Parameter>, options: AdamOptions = {}) {
    super(parameters);
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
    this.#options = { beta1, beta2, epsilon };
  }

  protected override update(
    name: string,
    parameter: Parameter,
    gradient: Tensor,
    learningRate: number,
  ): void {
    const mean = this.remembered(name, 'mean', parameter);
    const square = this.remembered(name, 'square', parameter);
    const weightDecay = this.weightDecayOf(name, parameter);
    const attributes = { ...this.#options, learningRate, step: this.steps, weightDecay };
    this.assign(
      [parameter, mean, square],
      executeAll('adam', [parameter, gradient, mean, square], attributes),
    );
  }

  /** Part of a parameter that a step takes away, times the learning rate. */
  protected weightDecayOf(_name: string, _parameter: Parameter): number {
    return 0;
  }
}
