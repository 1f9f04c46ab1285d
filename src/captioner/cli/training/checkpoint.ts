import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../../../kernels/errors.ts';
import { readSafetensors, writeSafetensors } from '../../../nn/formats/safetensors.ts';
import type { WeightArray } from '../../../nn/formats/weights.ts';
import type { HostWeight } from '../../../nn/module.ts';
import type { Optimiser } from '../../../nn/optimisers/optimiser.ts';
import type { Random } from '../../../nn/random.ts';
import type { Decoder } from '../../decoder/decoder.ts';
import { UsageError } from '../arguments.ts';
import type { ModelSettings } from './settings.ts';

/** A finished epoch. */
export interface Epoch {
  readonly epoch: number;
  /** Mean per word, in nats; null where rewards were trained on. */
  readonly trainLoss: number | null;
  /** Mean CIDEr-D of the sentences drawn, the end word counted; null of cross-entropy. */
  readonly trainReward: number | null;
  /** Mean per word, in nats. */
  readonly devLoss: number;
  /** CIDEr of the greedy captions of the development images, the mean over the data sets. */
  readonly devCider: number;
  /** Of the last step. */
  readonly learningRate: number;
  readonly seconds: number;
}

/** What is to be known, beside weights, to go on as if nothing had happened. */
export interface TrainingState {
  readonly settings: ModelSettings;
  readonly tokenizer: unknown;
  readonly history: readonly Epoch[];
  /** The training.json of the model that training began with, or null. */
  readonly before: unknown;
}

export interface Trained {
  readonly decoder: Decoder;
  readonly optimiser: Optimiser;
  /** Of the dropout masks, of the batches' order, and of the words that self-critical training draws. */
  readonly dropoutRandom: Random;
  readonly orderRandom: Random;
  readonly sampleRandom: Random;
}

const fileName = 'checkpoint.safetensors';
const version = '2';

/** Writes a file under another name first, so that a crash leaves the old one or the new one and nothing between. */
export async function writeAtomically(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.partial`;
  await writeFile(temporary, content);
  await rename(temporary, path);
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
    orderRandom: JSON.stringify(trained.orderRandom.save()),
    sampleRandom: JSON.stringify(trained.sampleRandom.save()),
  };
  await writeAtomically(join(folder, fileName), writeSafetensors(weights, { metadata }));
}

/** A checkpoint that was read; `apply` puts it into a model built from its settings. */
export interface Checkpoint {
  readonly state: TrainingState;
  apply(trained: Trained): void;
}

/** Reads the checkpoint of an output folder. Throws UsageError where there is none, FormatError for a damaged one. */
export async function loadCheckpoint(folder: string): Promise<Checkpoint> {
  const path = join(folder, fileName);
  if (!existsSync(path)) {
    throw new UsageError(
      `--resume: ${folder} has no ${fileName}. Leave --resume away to begin a new training.`,
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
  const part = (prefix: string): Map<string, HostWeight> =>
    new Map(
      [...weights]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, weight]) => [name.slice(prefix.length), weight]),
    );
  return {
    state: JSON.parse(entry('state')),
    apply({ decoder, optimiser, dropoutRandom, orderRandom, sampleRandom }) {
      decoder.load(part('model.'), path);
      optimiser.restore(Number(entry('steps')), part('optimiser.'));
      dropoutRandom.restore(JSON.parse(entry('dropoutRandom')));
      orderRandom.restore(JSON.parse(entry('orderRandom')));
      sampleRandom.restore(JSON.parse(entry('sampleRandom')));
    },
  };
}
