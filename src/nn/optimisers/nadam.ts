import { nadamMomentum } from '../../kernels/ops/nadam.ts';
import type { Parameter } from '../../tensor/parameter.ts';
import { executeAll, type Tensor } from '../../tensor/tensor.ts';
import { Optimiser } from './optimiser.ts';

export interface NadamOptions {
  /** Keras's defaults: 0.9, 0.999, 1e-7. */
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/** Adam with Nesterov momentum (Dozat 2016) and Keras's schedule of the momentum, β₁ (1 − 0.5 · 0.96^(0.004 step)). */
export class Nadam extends Optimiser {
  protected override readonly roles = ['mean', 'square'];
  readonly #options: Required<NadamOptions>;
  /** Product of the momentums of the first `factors` steps. */
  #product = 1;
  #factors = 0;

  constructor(parameters: ReadonlyMap<string, Parameter>, options: NadamOptions = {}) {
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
    const momentumProduct = this.#productUpTo(this.steps);
    const attributes = { ...this.#options, learningRate, step: this.steps, momentumProduct };
    this.assign(
      [parameter, mean, square],
      executeAll('nadam', [parameter, gradient, mean, square], attributes),
    );
  }

  /** Goes on from the last step's product; after a `restore` it may have to catch up or to begin again. */
  #productUpTo(step: number): number {
    if (this.#factors > step) {
      this.#product = 1;
      this.#factors = 0;
    }
    while (this.#factors < step) this.#product *= nadamMomentum(this.#options.beta1, ++this.#factors);
    return this.#product;
  }
}
