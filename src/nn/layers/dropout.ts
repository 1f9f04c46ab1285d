import { UnsupportedError } from '../../kernels/op/errors.ts';
import { dropout } from '../../tensor/functions.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Module } from '../module.ts';
import type { Random } from '../random.ts';

/** Inverted dropout (Srivastava et al. 2014) while training; the identity otherwise. */
export class Dropout extends Module {
  readonly #rate: number;
  readonly #random: Random | null;

  /** `random` gives the seed of each call's mask; null in a model that is not trained with dropout. */
  constructor(random: Random | null, rate: number) {
    super();
    this.#rate = rate;
    this.#random = random;
  }

  /** Throws UnsupportedError while training without a generator: the model would train without its dropout. */
  forward(x: Tensor): Tensor {
    if (!this.training || this.#rate === 0) return x;
    if (!this.#random) {
      throw new UnsupportedError(
        `Dropout: this model was made without a random generator but trains with dropout ${this.#rate}; give it one`,
      );
    }
    return dropout(x, this.#rate, this.#random.next());
  }
}
