import type { Device } from '../../kernels/device.ts';
import { Module } from '../../nn/module.ts';
import { customGradient } from '../../tensor/custom-gradient.ts';
import { Parameter } from '../../tensor/parameter.ts';
import { scope } from '../../tensor/scope.ts';
import { execute, scalar, type Tensor } from '../../tensor/tensor.ts';
import type { FeatureTransform as TransformName } from '../config.ts';

/** What is done to the encoder's features before the projection; the statistics are kept in the model. */
export class FeatureTransform extends Module {
  readonly mean: Parameter | null = null;
  readonly deviation: Parameter | null = null;
  readonly #steps: readonly TransformName[];

  constructor(device: Device, channels: number, steps: readonly TransformName[]) {
    super();
    this.#steps = steps;
    if (!steps.includes('standardise')) return;
    this.mean = new Parameter(device, new Float32Array(channels), [channels], false);
    this.deviation = new Parameter(device, new Float32Array(channels).fill(1), [channels], false);
  }

  forward(x: Tensor): Tensor {
    return scope(() =>
      this.#steps.reduce((value, step) => {
        if (step === 'squareRoot') return squareRoot(value);
        return value.subtract(this.mean as Parameter).divide(this.deviation as Parameter);
      }, x),
    );
  }

  /**
   * Sets the statistics from the features of the training images [N, channels] (host, before any transform): mean and
   * deviation of each channel in float64 after the steps that precede `standardise`. A channel that never varies gets
   * the deviation 1.
   */
  fit(features: Float32Array, channels: number): void {
    if (!this.mean || !this.deviation) return;
    const rooted = this.#steps[0] === 'squareRoot';
    const rows = features.length / channels;
    const sums = new Float64Array(channels);
    const squares = new Float64Array(channels);
    for (let index = 0; index < features.length; index++) {
      const value = rooted ? Math.sqrt(features[index]) : features[index];
      sums[index % channels] += value;
      squares[index % channels] += value * value;
    }
    const mean = Float32Array.from(sums, (sum) => sum / rows);
    const deviation = Float32Array.from(squares, (square, channel) => {
      const variance = square / rows - (sums[channel] / rows) ** 2;
      return variance > 1e-12 ? Math.sqrt(variance) : 1;
    });
    this.mean.load(mean);
    this.deviation.load(deviation);
  }
}

/** Below it a feature counts as 0. */
const smallest = 1e-12;

/**
 * √x with the slope 0 at 0, where the root's own is infinite: a feature that is 0 is a channel whose relu is shut at every
 * place, so that a small change of the weights below changes nothing. A fifth of mixed8's averages over photographs are 0.
 */
function squareRoot(x: Tensor): Tensor {
  const [root] = customGradient(
    'squareRoot',
    [x],
    () => ({ outputs: [x.sqrt()], saved: [] }),
    ({ inputs: [value], outputs: [y], gradients: [gradient] }) => {
      // 1 / (2 √x) is √x / (2 x), and that is 0 at 0 once the divisor is not.
      const divisor = execute('maximum', [value, scalar(value.device, smallest)], {});
      return [gradient.multiply(y).divide(divisor).scale(0.5)];
    },
  );
  return root;
}
