import type { Parameter } from '../../tensor/parameter.ts';
import { executeAll, type Tensor } from '../../tensor/tensor.ts';
import { Optimiser } from './optimiser.ts';

export interface SGDOptions {
  /** Part of the last step that is taken again, from 0 (Keras's default) up to 1. */
  readonly momentum?: number;
}

/** Gradient descent with momentum (Polyak 1964) as Keras has it: velocity′ = momentum · velocity − rate · gradient. */
export class SGD extends Optimiser {
  protected override readonly roles: readonly string[];
  readonly #momentum: number;

  constructor(parameters: ReadonlyMap<string, Parameter>, { momentum = 0 }: SGDOptions = {}) {
    super(parameters);
    this.roles = momentum === 0 ? [] : ['velocity'];
    this.#momentum = momentum;
  }

  protected override update(
    name: string,
    parameter: Parameter,
    gradient: Tensor,
    learningRate: number,
  ): void {
    const velocities = this.roles.map((role) => this.remembered(name, role, parameter));
    const attributes = { learningRate, momentum: this.#momentum };
    this.assign(
      [parameter, ...velocities],
      executeAll('sgd', [parameter, gradient, ...velocities], attributes),
    );
  }
}
