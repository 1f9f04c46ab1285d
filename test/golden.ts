import { readFileSync } from 'node:fs';
import type { Device } from '../src/kernels/device.ts';
import type { HostWeight } from '../src/nn/module.ts';
import { Tensor } from '../src/tensor/tensor.ts';

/** A tensor as the golden files hold it. */
export interface StoredTensor {
  readonly shape: number[];
  readonly data: number[];
}

/** A golden file, of the form that its script writes; see bench/golden/README.md. */
export function readGolden<Form>(name: string): Form {
  return JSON.parse(readFileSync(`test/golden/${name}`, 'utf8')) as Form;
}

export function upload(device: Device, { shape, data }: StoredTensor): Tensor {
  return Tensor.from(device, Float32Array.from(data), shape);
}

/** Class numbers and word ids. */
export function uploadIds(device: Device, { shape, data }: StoredTensor): Tensor {
  return Tensor.from(device, Int32Array.from(data), shape);
}

export function weight({ shape, data }: StoredTensor): HostWeight {
  return { shape, data: Float32Array.from(data) };
}
