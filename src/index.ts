/**
 * The library: a tensor engine on WebGPU and on the processor, neural networks on it, and the captioner. Importing it
 * touches nothing; begin with `requestDevice()`.
 */

export {
  type AttentionMaps,
  type Caption,
  Captioner,
  type CaptionOptions,
  type Sentence,
} from './captioner/captioner.ts';
export {
  type AttentionConfig,
  type CaptionerConfig,
  type DecoderConfig,
  type EncoderConfig,
  type OutputSource,
  parseCaptionerConfig,
} from './captioner/config.ts';
export {
  Decoder,
  type DecoderSequence,
  type DecoderState,
  type DropoutRates,
  type Encoding,
} from './captioner/decoder/decoder.ts';
export { Encoder } from './captioner/encoder/encoder.ts';
export { preprocess } from './captioner/encoder/preprocess.ts';
export { type FileSource, urlSource } from './captioner/file-source.ts';
export { decodeImage } from './captioner/images/decode-image.ts';
export type { RgbImage } from './captioner/images/rgb-image.ts';
export { bleu } from './captioner/metrics/bleu.ts';
export { CiderScorer, ciderD } from './captioner/metrics/cider.ts';
export { type CaptionScores, evaluateCaptions } from './captioner/metrics/evaluate-captions.ts';
export { rougeL } from './captioner/metrics/rouge.ts';
export { BeamSearch, beamSearch } from './captioner/search/beam.ts';
export { GreedySearch, greedySearch } from './captioner/search/greedy.ts';
export type { Hypothesis, SearchOptions } from './captioner/search/hypothesis.ts';
export { type SearchMethod, SentenceSearch } from './captioner/search/sentence-search.ts';
export { readTokenizerPickle } from './captioner/tokenizer/pickle.ts';
export { type FitOptions, Tokenizer, type TokenizerSpecification } from './captioner/tokenizer/tokenizer.ts';
export type { Batch, TrainingImage } from './captioner/training/batches.ts';
export { type Draw, drawEpoch } from './captioner/training/epoch-order.ts';
export { scheduledInputs } from './captioner/training/scheduled-sampling.ts';
export { type Baseline, SelfCritical, type SelfCriticalOptions } from './captioner/training/self-critical.ts';
export { type SamplingOptions, sampleSentences } from './captioner/training/sentence-sampling.ts';
export {
  type FeatureTable,
  type Objective,
  teacherForcingLoss,
} from './captioner/training/teacher-forcing.ts';
export {
  type Criticism,
  type EpochPosition,
  type Progress,
  type Schedule,
  Trainer,
  type TrainerOptions,
  type TrainingData,
} from './captioner/training/trainer.ts';
export type { Device, MemoryReport } from './kernels/device.ts';
export * from './kernels/op/errors.ts';
export type { AdapterFacts, OpAttributes, OpName } from './kernels/op/op.ts';
export type { DeviceArray, DType, Shape, TensorSpec } from './kernels/op/spec.ts';
export type { Activation } from './kernels/parts/activation.ts';
export {
  type Profile,
  type Profiled,
  type ProfileRow,
  type ProfileTotals,
  profileByOp,
  profileTotals,
} from './kernels/profiling/profile.ts';
export type { TunedCall, TuningProgress, TuningReport } from './kernels/profiling/tuning.ts';
export { type DeviceOptions, requestDevice } from './kernels/request-device.ts';
export { type InceptionWeights, inceptionWeights } from './nn/formats/inception-weights.ts';
export { readKerasHdf5 } from './nn/formats/keras-hdf5.ts';
export type { KerasLayer, KerasModel } from './nn/formats/keras-model.ts';
export {
  readSafetensors,
  type Safetensors,
  type SafetensorsOptions,
  writeSafetensors,
} from './nn/formats/safetensors.ts';
export { type LoadShard, readTfjsLayers } from './nn/formats/tfjs-layers.ts';
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
export { type ValueAndGradients, valueAndGradients } from './tensor/autograd.ts';
export { capture, type Plan } from './tensor/capture.ts';
export { Concatenation } from './tensor/concatenation.ts';
export * from './tensor/functions.ts';
export { Parameter } from './tensor/parameter.ts';
export { type OpenScope, openScope, scope } from './tensor/scope.ts';
export { execute, executeAll, executeOn, scalar, Tensor } from './tensor/tensor.ts';
