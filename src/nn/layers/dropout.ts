import { dropout } from '../../tensor/functions.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Module } from '../module.ts';
import type { Random } from '../random.ts';

/** Inverted dropout (Srivastava et al. 2014) while training; the identity otherwise. */
export class Dropout extends Module {
  readonly #rate: number;
  readonly #random: Random;

  /** `random` gives the seed of each call's mask. */
  constructor(random: Random, rate: number) {
    super();
    this.#rate = rate;
    this.#random = random;
  }

  forward(x: Tensor): Tensor {
    return dropout(x, this.training ? this.#rate : 0, this.training ? this.#random.next() : 0);
  }
}
