import { dropout } from '../../tensor/functions.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Module } from '../module.ts';
import type { Random } from '../random.ts';

/** Inverted dropout (Srivastava et al. 2014) while training; the identity otherwise. */
export class Dropout extends Module {
  readonly #rate: number;
  readonly #random: Random | null;

  /** `random` gives the seed of each call's mask; null in a model that is not trained. */
  constructor(random: Random | null, rate: number) {
    super();
    this.#rate = rate;
    this.#random = random;
  }

  forward(x: Tensor): Tensor {
    return this.training && this.#random ? dropout(x, this.#rate, this.#random.next()) : x;
  }
}
