import type { Device } from '../../kernels/device.ts';
import type { Activation } from '../../kernels/parts/activation.ts';
import type { Concatenation } from '../../tensor/concatenation.ts';
import { conv2d, type Padding, type Pair } from '../../tensor/functions.ts';
import { Parameter } from '../../tensor/parameter.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { glorotUniform, type Initialiser, initialise } from '../initialisers.ts';
import { Module } from '../module.ts';
import type { Random } from '../random.ts';

export interface Conv2DOptions {
  readonly inputs: number;
  readonly filters: number;
  readonly size: Pair;
  readonly strides?: Pair;
  readonly padding?: Padding;
  readonly dilations?: Pair;
  readonly activation?: Activation;
  /** Default true. */
  readonly bias?: boolean;
  readonly kernelInitialiser?: Initialiser;
}

/** Convolution of [N, H, W, inputs] by a kernel [height, width, inputs, filters]. */
export class Conv2D extends Module {
  readonly kernel: Parameter;
  readonly bias: Parameter | null;
  readonly #options: Conv2DOptions;

  constructor(device: Device, random: Random | null, options: Conv2DOptions) {
    super();
    const { inputs, filters, size, bias = true, kernelInitialiser = glorotUniform } = options;
    const shape = [size[0], size[1], inputs, filters];
    this.kernel = new Parameter(device, initialise(kernelInitialiser, shape, random), shape);
    this.bias = bias ? new Parameter(device, new Float32Array(filters), [filters]) : null;
    this.#options = options;
  }

  forward(x: Tensor): Tensor {
    const { strides, padding, dilations, activation } = this.#options;
    return conv2d(x, this.kernel, { bias: this.bias ?? undefined, strides, padding, dilations, activation });
  }

  /** As {@link forward}, into the next channels of a concatenation. */
  append(to: Concatenation, x: Tensor): void {
    const { strides = [1, 1], padding = 'valid', dilations = [1, 1], activation = 'linear' } = this.#options;
    const inputs = this.bias ? [x, this.kernel, this.bias] : [x, this.kernel];
    to.append('conv2d', inputs, { strides, padding, dilations, activation });
  }
}
