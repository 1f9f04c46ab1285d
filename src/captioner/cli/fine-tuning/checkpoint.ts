import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../../../kernels/op/errors.ts';
import { readSafetensors, writeSafetensors } from '../../../nn/formats/safetensors.ts';
import type { CaptionerConfig } from '../../config.ts';
import { UsageError } from '../arguments.ts';
import { checkpointFile, named, partOf, type Sample } from '../training/checkpoint.ts';
import type { Config } from '../training/config-file.ts';
import { writeWhole } from '../writing.ts';
import type { FineTuned } from './build.ts';
import type { FineTuningEpoch } from './epoch.ts';
import type { FineTuningSettings } from './settings.ts';

/** What is to be known, beside weights, to go on as if nothing had happened. */
export interface FineTuningState {
  readonly settings: FineTuningSettings;
  /** The words of the objective of that name; none without it. */
  readonly words: readonly string[];
  /** The model whose decoder is trained along, or null. */
  readonly model: { readonly config: CaptionerConfig; readonly tokenizer: unknown } | null;
  /** All settings as --config has them. */
  readonly config: Config;
  /** Files that a resumed run must find again, and SHA-256 of what it is trained on and begins with. */
  readonly encoderFile: string;
  readonly teachers: readonly string[];
  readonly hashes: { readonly data: string; readonly encoder: string; readonly teachers: string };
  /** The fine-tuning.json of the encoder that this began with, and the training.json of the model; null without. */
  readonly before: unknown;
  readonly modelBefore: unknown;
  /** Steps done. */
  readonly step: number;
  readonly history: readonly FineTuningEpoch[];
  /** Of the unfinished epoch: steps, the sum of their losses, and seconds. */
  readonly epochSteps: number;
  readonly lossSum: number;
  readonly seconds: number;
  /** Some development images and what the model said about each. */
  readonly samples: readonly Sample[];
}

const format = 'ekphrasis-fine-tuning';
const version = '2';

export function hasCheckpoint(folder: string): boolean {
  return existsSync(join(folder, checkpointFile));
}

/** Saves everything to one file. */
export async function saveCheckpoint(
  folder: string,
  state: FineTuningState,
  { model, groups, average, dropoutRandom }: FineTuned,
): Promise<void> {
  const saved = await Promise.all(groups.map(({ optimiser }) => optimiser.save()));
  const averaged = await average?.save();
  const weights = [
    ...named(await model.save(), 'model.'),
    ...saved.flatMap(({ memory }, index) => named(memory, `${groups[index].name}.`)),
    ...named(averaged?.averages ?? new Map(), 'average.'),
  ];
  const metadata = {
    format,
    version,
    state: JSON.stringify(state),
    optimiserSteps: JSON.stringify(saved.map(({ steps }) => steps)),
    averageSteps: String(averaged?.steps ?? 0),
    dropoutRandom: JSON.stringify(dropoutRandom.save()),
  };
  await writeWhole(join(folder, checkpointFile), writeSafetensors(weights, { metadata }));
}

/** A checkpoint that was read; `apply` puts it into what was built from its settings. */
export interface FineTuningCheckpoint {
  readonly state: FineTuningState;
  apply(trained: FineTuned): void;
}

/** Throws UsageError where there is none, FormatError for a damaged one or one of another kind of training. */
export async function loadCheckpoint(folder: string): Promise<FineTuningCheckpoint> {
  const path = join(folder, checkpointFile);
  if (!existsSync(path)) {
    throw new UsageError(`--resume: ${folder} has no ${checkpointFile}. Leave --resume away to begin anew.`);
  }
  const { weights, metadata } = readSafetensors(await readFile(path), path);
  if (metadata.format !== format) {
    throw new FormatError(`${path}: is no checkpoint of a fine-tuning; name the folder of one with --out`);
  }
  if (metadata.version !== version) {
    throw new FormatError(
      `${path}: is a checkpoint of version ${metadata.version ?? 1}, and this program goes on from version ${version}. ` +
        'End that fine-tuning with the program that began it, or begin anew.',
    );
  }
  const part = (prefix: string) => partOf(weights, prefix);
  const optimiserSteps: number[] = JSON.parse(metadata.optimiserSteps);
  return {
    state: JSON.parse(metadata.state),
    apply({ model, groups, average, dropoutRandom }) {
      model.load(part('model.'), path);
      for (const [index, { name, optimiser }] of groups.entries())
        optimiser.restore(optimiserSteps[index], part(`${name}.`));
      average?.restore(Number(metadata.averageSteps), part('average.'));
      dropoutRandom.restore(JSON.parse(metadata.dropoutRandom));
    },
  };
}
