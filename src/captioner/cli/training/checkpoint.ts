import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../../../kernels/op/errors.ts';
import { readSafetensors, writeSafetensors } from '../../../nn/formats/safetensors.ts';
import type { WeightArray } from '../../../nn/formats/weights.ts';
import type { HostWeight } from '../../../nn/module.ts';
import type { Optimiser } from '../../../nn/optimisers/optimiser.ts';
import type { Random } from '../../../nn/random.ts';
import type { Decoder } from '../../decoder/decoder.ts';
import type { EpochPosition } from '../../training/trainer.ts';
import { UsageError } from '../arguments.ts';
import type { Config } from './config-file.ts';
import type { Epoch } from './epoch.ts';
import type { ModelSettings } from './settings.ts';

/** What is to be known, beside weights, to go on as if nothing had happened. */
export interface TrainingState {
  readonly settings: ModelSettings;
  readonly tokenizer: unknown;
  readonly history: readonly Epoch[];
  /** The training.json of the model that training began with, or null. */
  readonly before: unknown;
  /** All settings as --config has them. */
  readonly config: Config;
  /** See `hashOfData`. */
  readonly dataHash: string;
  /** The epoch that is not finished yet, and the seconds that it took so far. */
  readonly position: EpochPosition;
  readonly seconds: number;
  /** State of the generator of the order at the beginning of that epoch. */
  readonly order: readonly number[];
  /** Some development images and what the model said about each. */
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** Path of the image. */
  readonly image: string;
  readonly captions: readonly { readonly epoch: number; readonly caption: string }[];
}

export interface Trained {
  readonly decoder: Decoder;
  readonly optimiser: Optimiser;
  /** Of the dropout masks, of the batches' order, and of the words that self-critical training draws. */
  readonly dropoutRandom: Random;
  readonly orderRandom: Random;
  readonly sampleRandom: Random;
}

export const checkpointFile = 'checkpoint.safetensors';
const version = '3';

/** Writes a file under another name first, so that a crash leaves the old one or the new one and nothing between. */
export async function writeAtomically(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.partial`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}

/** What {@link named} put under a prefix, by its own names again. */
export function partOf(weights: ReadonlyMap<string, HostWeight>, prefix: string): Map<string, HostWeight> {
  return new Map(
    [...weights]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, weight]) => [name.slice(prefix.length), weight]),
  );
}

/** Weights with names in front, as a file wants them. */
export function named(weights: ReadonlyMap<string, HostWeight>, prefix = ''): WeightArray[] {
  return [...weights].map(([name, { shape, data }]) => ({ name: prefix + name, shape, data }) as WeightArray);
}

/** Saves everything to one file. */
export async function saveCheckpoint(folder: string, state: TrainingState, trained: Trained): Promise<void> {
  const { steps, memory } = await trained.optimiser.save();
  const weights = [...named(await trained.decoder.save(), 'model.'), ...named(memory, 'optimiser.')];
  const metadata = {
    version,
    state: JSON.stringify(state),
    steps: String(steps),
    dropoutRandom: JSON.stringify(trained.dropoutRandom.save()),
    sampleRandom: JSON.stringify(trained.sampleRandom.save()),
  };
  await writeAtomically(join(folder, checkpointFile), writeSafetensors(weights, { metadata }));
}

/** A checkpoint that was read; `apply` puts it into a model built from its settings. */
export interface Checkpoint {
  readonly state: TrainingState;
  apply(trained: Trained): void;
}

/** Reads the checkpoint of an output folder. Throws UsageError where there is none, FormatError for a damaged one. */
export async function loadCheckpoint(folder: string): Promise<Checkpoint> {
  const path = join(folder, checkpointFile);
  if (!existsSync(path)) {
    throw new UsageError(
      `--resume: ${folder} has no ${checkpointFile}. Leave --resume away to begin a new training.`,
    );
  }
  const { weights, metadata } = readSafetensors(await readFile(path), path);
  const entry = (name: string): string => {
    const value = metadata[name];
    if (value === undefined)
      throw new FormatError(`${path}: lacks "${name}"; it is no checkpoint of a training`);
    return value;
  };
  if (metadata.version !== version && entry('state')) {
    throw new FormatError(
      `${path}: is a checkpoint of version ${metadata.version ?? 1}, and this program goes on from version ${version}. ` +
        'End that training with the program that began it, or begin anew with --from.',
    );
  }
  const part = (prefix: string) => partOf(weights, prefix);
  const state: TrainingState = JSON.parse(entry('state'));
  return {
    state,
    apply({ decoder, optimiser, dropoutRandom, orderRandom, sampleRandom }) {
      decoder.load(part('model.'), path);
      optimiser.restore(Number(entry('steps')), part('optimiser.'));
      dropoutRandom.restore(JSON.parse(entry('dropoutRandom')));
      orderRandom.restore(state.order);
      sampleRandom.restore(JSON.parse(entry('sampleRandom')));
    },
  };
}
