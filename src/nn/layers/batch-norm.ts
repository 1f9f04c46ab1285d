import type { Device } from '../../kernels/device.ts';
import { Parameter } from '../../tensor/parameter.ts';
import { scope } from '../../tensor/scope.ts';
import { execute, type Tensor } from '../../tensor/tensor.ts';
import { Module } from '../module.ts';

export interface BatchNormOptions {
  readonly channels: number;
  /** Added to the variance. Keras's default 1e-3. */
  readonly epsilon?: number;
  /** Share of the old moving average kept at each training step. Keras's default 0.99. */
  readonly momentum?: number;
  /** Whether there is a gamma. Default true; InceptionV3 has none. */
  readonly scale?: boolean;
}

/** Batch normalisation (Ioffe and Szegedy 2015) over all axes but the last: [..., C] → [..., C]. */
export class BatchNorm extends Module {
  readonly gamma: Parameter | null;
  readonly beta: Parameter;
  readonly movingMean: Parameter;
  readonly movingVariance: Parameter;
  readonly #epsilon: number;
  readonly #momentum: number;

  constructor(device: Device, { channels, epsilon = 1e-3, momentum = 0.99, scale = true }: BatchNormOptions) {
    super();
    const filled = (value: number) => new Float32Array(channels).fill(value);
    this.gamma = scale ? new Parameter(device, filled(1), [channels]) : null;
    this.beta = new Parameter(device, filled(0), [channels]);
    this.movingMean = new Parameter(device, filled(0), [channels], false);
    this.movingVariance = new Parameter(device, filled(1), [channels], false);
    this.#epsilon = epsilon;
    this.#momentum = momentum;
  }

  forward(x: Tensor): Tensor {
    if (!this.training) return this.#normalise(x, this.movingMean, this.movingVariance);
    return scope(() => {
      const axes = x.shape.slice(0, -1).map((_, axis) => axis);
      const mean = x.mean(axes);
      const centred = x.subtract(mean);
      const variance = centred.multiply(centred).mean(axes);
      this.#follow(this.movingMean, mean);
      // As Keras's fused kernel for images does, the unbiased variance of the batch's n values is kept: n / (n − 1).
      const count = x.size / mean.size;
      this.#follow(this.movingVariance, variance, count / Math.max(1, count - 1));
      return this.#normalise(x, mean, variance);
    });
  }

  #normalise(x: Tensor, mean: Tensor, variance: Tensor): Tensor {
    const inputs = [x, mean, variance, this.beta];
    if (this.gamma) inputs.push(this.gamma);
    return execute('batchNorm', inputs, { epsilon: this.#epsilon });
  }

  #follow(average: Parameter, batch: Tensor, correction = 1): void {
    average.assign(average.scale(this.#momentum).add(batch.scale(correction * (1 - this.#momentum))));
  }
}
