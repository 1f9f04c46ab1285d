import type { Parameter } from '../../tensor/parameter.ts';
import { Adam, type AdamOptions } from './adam.ts';

export interface AdamWOptions extends AdamOptions {
  /** Part of a weight that a step takes away, times the learning rate; 0.01 by default. */
  readonly weightDecay?: number;
  /** Whether a parameter decays: by default those of rank 2 and more, so kernels and embeddings and no biases. */
  readonly decays?: (name: string, parameter: Parameter) => boolean;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019): the decay does not enter the moments, so that it is
 * the same for every weight however large its gradients are. As in Keras, parameter′ = parameter − rate · (Adam's
 * direction + weightDecay · parameter).
 */
export class AdamW extends Adam {
  readonly #weightDecay: number;
  readonly #decays: (name: string, parameter: Parameter) => boolean;

  constructor(parameters: ReadonlyMap<string, Parameter>, options: AdamWOptions = {}) {
    const { weightDecay = 0.01, decays = (_, { shape }) => shape.length >= 2, ...rest } = options;
    super(parameters, rest);
    this.#weightDecay = weightDecay;
    this.#decays = decays;
  }

  protected override weightDecayOf(name: string, parameter: Parameter): number {
    return this.#decays(name, parameter) ? this.#weightDecay : 0;
  }
}
