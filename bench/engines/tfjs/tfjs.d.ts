/** What the benchmark uses of TensorFlow.js, so that types are checked where it is not installed. */
declare module '@tensorflow/tfjs-core' {
  export interface Tensor {
    readonly shape: number[];
    readonly dtype: string;
    readonly dataId: object;
    data(): Promise<Float32Array | Int32Array | Uint8Array>;
    dispose(): void;
  }
  export interface Variable extends Tensor {
    assign(value: Tensor): void;
  }
  export interface Optimizer {
    minimize(loss: () => Tensor, returnCost: true, variables: Variable[]): Tensor;
    dispose(): void;
  }
  export interface KernelBackend {
    uploadToGPU?(dataId: object): void;
  }
  type Padding = 'same' | 'valid';
  type Pair = [number, number];

  export const version_core: string;
  export function setBackend(name: string): Promise<boolean>;
  export function getBackend(): string;
  export function backend(): KernelBackend;
  export function removeBackend(name: string): void;
  export function time(work: () => void): Promise<{ kernelMs: number | { error: string } }>;
  export function tidy<T>(compute: () => T): T;

  export function tensor(
    data: Float32Array | Int32Array,
    shape: number[],
    dtype: 'float32' | 'int32',
  ): Tensor;
  export function variable(initial: Tensor): Variable;
  export function scalar(value: number, dtype?: 'float32' | 'int32'): Tensor;
  export function slice(x: Tensor, begin: number[], size: number[]): Tensor;
  export function reshape(x: Tensor, shape: number[]): Tensor;
  export function split(x: Tensor, parts: number, axis: number): Tensor[];
  export function concat(parts: Tensor[], axis: number): Tensor;
  export function gather(table: Tensor, ids: Tensor): Tensor;
  export function oneHot(ids: Tensor, depth: number): Tensor;
  export function tile(x: Tensor, repeats: number[]): Tensor;

  export function add(a: Tensor, b: Tensor): Tensor;
  export function sub(a: Tensor, b: Tensor): Tensor;
  export function mul(a: Tensor, b: Tensor): Tensor;
  export function floorDiv(a: Tensor, b: Tensor): Tensor;
  export function sigmoid(x: Tensor): Tensor;
  export function tanh(x: Tensor): Tensor;
  export function mean(x: Tensor, axes?: number[]): Tensor;
  export function argMax(x: Tensor, axis: number): Tensor;
  export function topk(x: Tensor, k: number): { values: Tensor; indices: Tensor };
  export function softmax(x: Tensor): Tensor;
  export function logSoftmax(x: Tensor): Tensor;
  export function matMul(a: Tensor, b: Tensor): Tensor;
  export function maxPool(x: Tensor, size: Pair, strides: Pair, padding: Padding): Tensor;
  export function pad(x: Tensor, paddings: number[][]): Tensor;
  export function avgPool(x: Tensor, size: Pair, strides: Pair, padding: Padding): Tensor;
  export function basicLSTMCell(
    forgetBias: Tensor,
    kernel: Tensor,
    bias: Tensor,
    data: Tensor,
    c: Tensor,
    h: Tensor,
  ): [c: Tensor, h: Tensor];

  export const fused: {
    conv2d(options: {
      x: Tensor;
      filter: Tensor;
      strides: Pair;
      pad: Padding;
      bias: Tensor;
      activation: 'relu';
    }): Tensor;
    matMul(options: { a: Tensor; b: Tensor; bias: Tensor; activation: 'linear' | 'relu' }): Tensor;
  };
  export const losses: { softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor };
  export const train: {
    sgd(rate: number): Optimizer;
    adam(rate: number, beta1: number, beta2: number, epsilon: number): Optimizer;
  };
}

declare module '@tensorflow/tfjs-layers' {
  import type { Tensor } from '@tensorflow/tfjs-core';

  export interface SymbolicTensor {
    readonly shape: (number | null)[];
  }
  export interface Layer {
    readonly name: string;
    readonly weights: readonly unknown[];
    setWeights(weights: Tensor[]): void;
    apply(x: SymbolicTensor | SymbolicTensor[], options?: { initialState: SymbolicTensor[] }): SymbolicTensor;
  }
  export interface LayersModel {
    readonly layers: readonly Layer[];
    predictOnBatch(inputs: Tensor[]): Tensor[];
    dispose(): void;
  }
  type Activation = 'linear' | 'softmax' | 'sigmoid';

  export const version_layers: string;
  export function input(options: {
    shape: number[];
    name: string;
    dtype?: 'float32' | 'int32';
  }): SymbolicTensor;
  export function model(options: { inputs: SymbolicTensor[]; outputs: SymbolicTensor[] }): LayersModel;
  export const layers: {
    embedding(options: { inputDim: number; outputDim: number; name: string }): Layer;
    reshape(options: { targetShape: number[] }): Layer;
    concatenate(options: { axis: number }): Layer;
    lstm(options: {
      units: number;
      recurrentActivation: Activation;
      recurrentInitializer: 'zeros';
      returnState: true;
      name: string;
    }): { apply: (x: SymbolicTensor, options: { initialState: SymbolicTensor[] }) => SymbolicTensor[] };
    dense(options: { units: number; activation: Activation; name: string }): Layer;
  };
}

declare module '@tensorflow/tfjs-backend-cpu' {
  export const version_cpu: string;
}

declare module '@tensorflow/tfjs-backend-wasm' {
  export const version_wasm: string;
  export function setWasmPaths(folder: string): void;
  export function setThreadsCount(count: number): void;
  /** Of the started backend. */
  export function getThreadsCount(): number;
}

declare module '@tensorflow/tfjs-backend-webgpu' {
  export class WebGPUBackend {
    readonly device: GPUDevice;
  }
}
