import type { Device } from '../src/kernels/device.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import type { Module } from '../src/nn/module.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { checkGradients } from './gradient-check.ts';

/** A tensor of deterministic float32 values in [low, high). */
export function sample(device: Device, shape: number[], seed: number, low = -1, high = 1): Tensor {
  return Tensor.from(device, Float32Array.from(floatSample(shape, seed, low, high).data), shape);
}

/** Holds the gradients of a module's parameters and of its input to differences, for the loss Σ weights · output. */
export function checkModule<M extends Module>(
  device: Device,
  make: (device: Device) => M,
  shape: number[],
  forward: (module: M, x: Tensor) => Tensor,
): Promise<void> {
  return checkGradients(device, (on) => {
    const module = make(on);
    const x = sample(on, shape, 1);
    return {
      watched: new Map<string, Tensor>([['x', x], ...module.trainable()]),
      loss: () => {
        const y = forward(module, x);
        return y.multiply(sample(on, [...y.shape], 2)).sum();
      },
      dispose: () => {
        module.dispose();
        x.dispose();
      },
    };
  });
}
