import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { readSafetensors } from '../../../nn/formats/safetensors.ts';
import type { Weights } from '../../../nn/formats/weights.ts';
import { stageChannels, stages } from '../../../nn/inception-v3/architecture.ts';
import { InceptionV3 } from '../../../nn/inception-v3/inception-v3.ts';
import type { HostWeight, Module } from '../../../nn/module.ts';
import { MovingAverage } from '../../../nn/moving-average.ts';
import { AdamW } from '../../../nn/optimisers/adamw.ts';
import { Random } from '../../../nn/random.ts';
import type { CaptionerConfig } from '../../config.ts';
import { Decoder } from '../../decoder/decoder.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { CaptionsObjective } from '../../training/encoder/captions-objective.ts';
import { type ParameterGroup, TrainedEncoder } from '../../training/encoder/encoder-trainer.ts';
import { FeaturesObjective } from '../../training/encoder/features-objective.ts';
import { JointObjective } from '../../training/encoder/joint-objective.ts';
import { WordsObjective } from '../../training/encoder/words-objective.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import type { FineTuningSettings } from './settings.ts';
import type { TunedImage } from './tuned-images.ts';

/** What is trained, and what changes it. */
export interface FineTuned {
  readonly model: TrainedEncoder;
  readonly objective: JointObjective;
  /** The convolutions, the decoder, and the layers of the other objectives, with the names of their checkpoint's parts. */
  readonly groups: readonly (ParameterGroup & { readonly name: string })[];
  readonly average: MovingAverage | null;
  /** Of the decoder's dropout masks. */
  readonly dropoutRandom: Random;
}

/** What the objectives compare with; null where one is not trained for. */
export interface Targets {
  readonly words: { readonly words: readonly string[]; readonly shares: Float32Array } | null;
  readonly captions: {
    readonly config: CaptionerConfig;
    readonly tokenizer: Tokenizer;
    /** Weights that a new fine-tuning begins with; null where a checkpoint will bring them. */
    readonly decoder: { readonly weights: Weights; readonly file: string } | null;
  } | null;
  readonly features: FeatureTable | null;
}

/** Builds the network from its weights, and the objectives beside it. Throws FormatError for weights that do not fit. */
export async function build(
  device: Device,
  settings: FineTuningSettings,
  encoder: { readonly weights: Weights; readonly file: string },
  images: readonly TunedImage[],
  targets: Targets,
): Promise<FineTuned> {
  const { first, outputs, movingAverage, seed, weightDecay } = settings;
  const last = stages.findLast(({ name }) => outputs.includes(name))?.name;
  const network = InceptionV3.fromWeights(device, encoder.weights, { first, last }, encoder.file);
  const channels = outputs.reduce((sum, name) => sum + (stageChannels.get(name) as number), 0);
  const dropoutRandom = new Random(seed + 2);
  let words: WordsObjective | null = null;
  if (targets.words) {
    const { words: list, shares } = targets.words;
    words = new WordsObjective(device, new Random(seed), { channels, words: list.length, targets: shares });
    await continueLayer('words', words, encoder.file, layerFacts('words', settings, list));
  }
  let features: FeaturesObjective | null = null;
  if (targets.features) {
    const options = { outputs, channels, teacher: targets.features };
    features = new FeaturesObjective(device, new Random(seed + 1), options);
    await continueLayer('features', features, encoder.file, layerFacts('features', settings, []));
  }
  const objective = new JointObjective({
    words,
    captions: captionsObjective(device, settings, targets.captions, images, dropoutRandom),
    features,
    weights: Object.fromEntries(settings.objectives.map(({ name, weight }) => [name, weight])),
  });
  const model = new TrainedEncoder(network, objective);
  const group = (name: string, parts: readonly (Module | null)[], learningRate: number) => {
    const parameters = new Map(
      parts.flatMap((part, index) =>
        [...(part?.trainable() ?? [])].map(([key, parameter]) => [`${index}.${key}`, parameter] as const),
      ),
    );
    const optimiser = new AdamW(parameters, { weightDecay });
    return parameters.size === 0 ? [] : [{ name, optimiser, learningRate }];
  };
  return {
    model,
    objective,
    groups: [
      ...group('network', [network], settings.encoderRate),
      ...group('decoder', [objective.captions], settings.decoderRate),
      ...group('layers', [words, features], settings.objectiveRate),
    ],
    average:
      movingAverage === 0 ? null : new MovingAverage(model.trainable(), await model.save(), movingAverage),
    dropoutRandom,
  };
}

function captionsObjective(
  device: Device,
  { captions: settings }: FineTuningSettings,
  target: Targets['captions'],
  images: readonly TunedImage[],
  dropoutRandom: Random,
): CaptionsObjective | null {
  if (!target) return null;
  const { config, tokenizer, decoder: begun } = target;
  const decoder = new Decoder(device, dropoutRandom, config, settings.dropout);
  if (begun) decoder.load(begun.weights, begun.file);
  const ids = images.map(({ captions }) =>
    captions.map((caption) => tokenizer.encode(caption, { wrapped: true })),
  );
  return new CaptionsObjective(decoder, ids, settings);
}

/** The file of an objective's own layer, beside the encoder that it was trained with. */
export function layerFile(name: 'words' | 'features'): string {
  return `${name}.safetensors`;
}

/**
 * Loads an objective's layer that lies beside the encoder and was trained for the same: a new one would first spoil what
 * the encoder has learnt.
 */
async function continueLayer(
  name: 'words' | 'features',
  objective: Module,
  encoderFile: string,
  facts: unknown,
): Promise<void> {
  const path = join(dirname(encoderFile), layerFile(name));
  if (!existsSync(path)) return;
  const { weights, metadata } = readSafetensors(await readFile(path), path);
  if (metadata.facts === JSON.stringify(facts) && fits(objective, weights)) objective.load(weights, path);
}

/** Whether the weights are the objective's, in names and shapes. */
function fits(objective: Module, weights: ReadonlyMap<string, HostWeight>): boolean {
  const own = objective.parameters();
  return (
    own.size === weights.size &&
    [...own].every(([name, { shape }]) => weights.get(name)?.shape.join() === shape.join())
  );
}

/** What an objective's file tells of it, beside its weights. */
export function layerFacts(
  name: 'words' | 'features',
  { outputs }: FineTuningSettings,
  words: readonly string[],
): unknown {
  return name === 'words' ? { words, outputs } : { outputs };
}
