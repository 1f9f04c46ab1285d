/** Neural networks on the engine: layers, losses, optimisers, schedules, InceptionV3, and weights as safetensors. */

export {
  readSafetensors,
  type Safetensors,
  type SafetensorsOptions,
  writeSafetensors,
} from './nn/formats/safetensors.ts';
export type { WeightArray, WeightEncoding, Weights } from './nn/formats/weights.ts';
export { type InceptionOptions, InceptionV3 } from './nn/inception-v3/inception-v3.ts';
/** A namespace, since `zeros` and `ones` make weights and no tensors. */
export * as initialisers from './nn/initialisers.ts';
export { BahdanauAttention, type BahdanauAttentionOptions } from './nn/layers/attention.ts';
export { BatchNorm, type BatchNormOptions } from './nn/layers/batch-norm.ts';
export { Conv2D, type Conv2DOptions } from './nn/layers/conv2d.ts';
export { Dense, type DenseOptions } from './nn/layers/dense.ts';
export { Dropout } from './nn/layers/dropout.ts';
export { Embedding, type EmbeddingOptions } from './nn/layers/embedding.ts';
export { LSTM, type LSTMOptions } from './nn/layers/lstm.ts';
export type { LSTMState } from './nn/layers/lstm-sequence.ts';
export { AveragePool2D, GlobalAveragePool2D, MaxPool2D } from './nn/layers/pooling.ts';
export { type Layer, Sequential } from './nn/layers/sequential.ts';
export * from './nn/losses.ts';
export { type HostWeight, Module } from './nn/module.ts';
export { MovingAverage } from './nn/moving-average.ts';
export { Adam, type AdamOptions } from './nn/optimisers/adam.ts';
export { AdamW, type AdamWOptions } from './nn/optimisers/adamw.ts';
export { type Clipped, clipByGlobalNorm } from './nn/optimisers/clip.ts';
export { Nadam, type NadamOptions } from './nn/optimisers/nadam.ts';
export { Optimiser } from './nn/optimisers/optimiser.ts';
export { SGD, type SGDOptions } from './nn/optimisers/sgd.ts';
export { Random } from './nn/random.ts';
export { type RateSchedule, rateFactor } from './nn/schedules.ts';
