import type { Device } from '../../kernels/device.ts';
import type { Concatenation } from '../../tensor/concatenation.ts';
import type { Parameter } from '../../tensor/parameter.ts';
import { scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { BatchNorm } from '../layers/batch-norm.ts';
import { Conv2D } from '../layers/conv2d.ts';
import { type HostWeight, Module } from '../module.ts';
import type { Random } from '../random.ts';
import type { Convolution } from './architecture.ts';

/** Keras's epsilon for the batch norms of InceptionV3, which have no gamma. */
const epsilon = 1e-3;

/** Convolution, batch norm, relu; folded, the batch norm lives in the convolution's kernel and bias. */
export class ConvolutionUnit extends Module {
  readonly convolution: Conv2D;
  readonly normalisation: BatchNorm | null;

  constructor(device: Device, random: Random | null, shape: Convolution, folded: boolean) {
    super();
    const [height, width, inputs, filters] = shape.kernel;
    this.convolution = new Conv2D(device, random, {
      inputs,
      filters,
      size: [height, width],
      strides: [shape.stride, shape.stride],
      padding: shape.padding,
      bias: folded,
      activation: folded ? 'relu' : 'linear',
    });
    this.normalisation = folded ? null : new BatchNorm(device, { channels: filters, epsilon, scale: false });
  }

  forward(x: Tensor): Tensor {
    return scope(() => {
      const y = this.convolution.forward(x);
      return this.normalisation ? this.normalisation.forward(y).relu() : y;
    });
  }

  /** Kernel and batch norm on the host, the latter of a folded unit made up around its bias. */
  async normalised(): Promise<NormalisedKernel> {
    const { convolution, normalisation } = this;
    const read = async (parameter: Parameter): Promise<HostWeight> => ({
      shape: parameter.shape,
      data: await parameter.data(),
    });
    const kernel = await read(convolution.kernel);
    if (normalisation) {
      return {
        kernel,
        beta: await read(normalisation.beta),
        movingMean: await read(normalisation.movingMean),
        movingVariance: await read(normalisation.movingVariance),
      };
    }
    const beta = await read(convolution.bias as Parameter);
    const filled = (value: number): HostWeight => ({
      shape: beta.shape,
      data: new Float32Array(beta.data.length).fill(value),
    });
    return { kernel, beta, movingMean: filled(0), movingVariance: filled(1 - epsilon) };
  }

  /** As {@link forward} of a folded unit, into the next channels of a concatenation. */
  append(to: Concatenation, x: Tensor): void {
    this.convolution.append(to, x);
  }
}

export interface NormalisedKernel {
  /** [height, width, in, out] */
  readonly kernel: HostWeight;
  /** [out] each. */
  readonly beta: HostWeight;
  readonly movingMean: HostWeight;
  readonly movingVariance: HostWeight;
  readonly gamma?: HostWeight;
}

/**
 * One kernel and bias that do what the convolution and its batch norm at rest do:
 * kernel · γ/√(σ² + ε) and β − μ · γ/√(σ² + ε), computed in float64.
 */
export function fold(unit: NormalisedKernel): { kernel: Float32Array; bias: Float32Array } {
  const filters = unit.beta.data.length;
  const factor = new Float64Array(filters);
  const bias = new Float32Array(filters);
  for (let filter = 0; filter < filters; filter++) {
    const gamma = unit.gamma ? unit.gamma.data[filter] : 1;
    factor[filter] = gamma / Math.sqrt(unit.movingVariance.data[filter] + epsilon);
    bias[filter] = unit.beta.data[filter] - unit.movingMean.data[filter] * factor[filter];
  }
  const source = unit.kernel.data;
  const kernel = new Float32Array(source.length);
  for (let start = 0; start < source.length; start += filters) {
    for (let filter = 0; filter < filters; filter++)
      kernel[start + filter] = source[start + filter] * factor[filter];
  }
  return { kernel, bias };
}
