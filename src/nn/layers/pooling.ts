import { averagePool, maxPool, type PoolOptions } from '../../tensor/functions.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Module } from '../module.ts';

/** Largest of each window of [N, H, W, C]. */
export class MaxPool2D extends Module {
  readonly #options: PoolOptions;

  constructor(options: PoolOptions) {
    super();
    this.#options = options;
  }

  forward(x: Tensor): Tensor {
    return maxPool(x, this.#options);
  }
}

/** Mean of each window of [N, H, W, C]; padding is not counted. */
export class AveragePool2D extends Module {
  readonly #options: PoolOptions;

  constructor(options: PoolOptions) {
    super();
    this.#options = options;
  }

  forward(x: Tensor): Tensor {
    return averagePool(x, this.#options);
  }
}

/** Mean over height and width: [N, H, W, C] → [N, C]. */
export class GlobalAveragePool2D extends Module {
  forward(x: Tensor): Tensor {
    return x.mean([1, 2]);
  }
}
