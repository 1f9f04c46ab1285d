/** The captioner: from pixels to sentences, its search, its metrics and its trainer. */

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
export { drawHeatMap } from './captioner/heat-map.ts';
export { bleu } from './captioner/metrics/bleu.ts';
export { CiderScorer, ciderD } from './captioner/metrics/cider.ts';
export { type CaptionScores, evaluateCaptions } from './captioner/metrics/evaluate-captions.ts';
export { rougeL } from './captioner/metrics/rouge.ts';
export { BeamSearch, beamSearch } from './captioner/search/beam.ts';
export { GreedySearch, greedySearch } from './captioner/search/greedy.ts';
export type { Hypothesis, SearchOptions } from './captioner/search/hypothesis.ts';
export { type SearchMethod, SentenceSearch } from './captioner/search/sentence-search.ts';
export type { DownloadProgress } from './captioner/sources/download.ts';
export type { FileSource } from './captioner/sources/file-source.ts';
export { clearModelCache } from './captioner/sources/model-cache.ts';
export { type UrlSourceOptions, urlSource } from './captioner/sources/url-source.ts';
export { type FitOptions, Tokenizer, type TokenizerSpecification } from './captioner/tokenizer/tokenizer.ts';
export type { Batch, TrainingImage } from './captioner/training/batches.ts';
export { CaptionsObjective } from './captioner/training/encoder/captions-objective.ts';
export { EncoderObjective, type StageOutputs } from './captioner/training/encoder/encoder-objective.ts';
export {
  type EncoderBatch,
  EncoderTrainer,
  type EncoderTrainerOptions,
  type ParameterGroup,
  TrainedEncoder,
} from './captioner/training/encoder/encoder-trainer.ts';
export {
  FeaturesObjective,
  type FeaturesObjectiveOptions,
} from './captioner/training/encoder/features-objective.ts';
export {
  JointObjective,
  type JointOptions,
  type ObjectiveName,
} from './captioner/training/encoder/joint-objective.ts';
export { WordTargets } from './captioner/training/encoder/word-targets.ts';
export { WordsObjective } from './captioner/training/encoder/words-objective.ts';
export { type Draw, drawEpoch } from './captioner/training/epoch-order.ts';
export { languageParameters, sentenceAlone } from './captioner/training/language-model.ts';
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
