import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../../../kernels/op/errors.ts';
import { readSafetensors, writeSafetensors } from '../../../nn/formats/safetensors.ts';
import type { MovingAverage } from '../../../nn/moving-average.ts';
import type { Optimiser } from '../../../nn/optimisers/optimiser.ts';
import type { TrainedEncoder } from '../../training/encoder/encoder-trainer.ts';
import { UsageError } from '../arguments.ts';
import { named, partOf, writeAtomically } from '../training/checkpoint.ts';
import type { FineTuningSettings } from './settings.ts';

/** A finished epoch, or the part of one that --steps left. */
export interface FineTuningEpoch {
  readonly epoch: number;
  readonly steps: number;
  /** Means per image and word, in nats. */
  readonly trainLoss: number;
  readonly devLoss: number;
  /** Mean average precision of the commonest words on the development images. */
  readonly devPrecision: number;
  readonly seconds: number;
}

export interface FineTuningState {
  readonly settings: FineTuningSettings;
  readonly words: readonly string[];
  /** Steps done. */
  readonly step: number;
  readonly history: readonly FineTuningEpoch[];
  /** Of the unfinished epoch: sum of the steps' losses, and seconds. */
  readonly lossSum: number;
  readonly seconds: number;
}

export interface FineTuned {
  readonly model: TrainedEncoder;
  readonly network: Optimiser;
  readonly objective: Optimiser;
  readonly average: MovingAverage | null;
}

const fileName = 'checkpoint.safetensors';

export function hasCheckpoint(folder: string): boolean {
  return existsSync(join(folder, fileName));
}

/** Saves everything to one file. */
export async function saveCheckpoint(
  folder: string,
  state: FineTuningState,
  trained: FineTuned,
): Promise<void> {
  const { model, network, objective, average } = trained;
  const parts = [await network.save(), await objective.save()];
  const averaged = await average?.save();
  const weights = [
    ...named(await model.save(), 'model.'),
    ...named(parts[0].memory, 'network.'),
    ...named(parts[1].memory, 'objective.'),
    ...named(averaged?.averages ?? new Map(), 'average.'),
  ];
  const metadata = {
    format: 'ekphrasis-fine-tuning',
    state: JSON.stringify(state),
    optimiserSteps: JSON.stringify(parts.map(({ steps }) => steps)),
    averageSteps: String(averaged?.steps ?? 0),
  };
  await writeAtomically(join(folder, fileName), writeSafetensors(weights, { metadata }));
}

/** A checkpoint that was read; `apply` puts it into what was built from its settings. */
export interface FineTuningCheckpoint {
  readonly state: FineTuningState;
  apply(trained: FineTuned): void;
}

/** Throws UsageError where there is none, FormatError for a damaged one or one of another kind of training. */
export async function loadCheckpoint(folder: string): Promise<FineTuningCheckpoint> {
  const path = join(folder, fileName);
  if (!existsSync(path)) {
    throw new UsageError(`--resume: ${folder} has no ${fileName}. Leave --resume away to begin anew.`);
  }
  const { weights, metadata } = readSafetensors(await readFile(path), path);
  if (metadata.format !== 'ekphrasis-fine-tuning') {
    throw new FormatError(`${path}: is no checkpoint of a fine-tuning; name the folder of one with --out`);
  }
  const part = (prefix: string) => partOf(weights, prefix);
  const [networkSteps, objectiveSteps] = JSON.parse(metadata.optimiserSteps);
  return {
    state: JSON.parse(metadata.state),
    apply({ model, network, objective, average }) {
      model.load(part('model.'), path);
      network.restore(networkSteps, part('network.'));
      objective.restore(objectiveSteps, part('objective.'));
      average?.restore(Number(metadata.averageSteps), part('average.'));
    },
  };
}
