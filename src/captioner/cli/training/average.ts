import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { averageWeights } from '../../../nn/average-weights.ts';
import { writeSafetensors } from '../../../nn/formats/safetensors.ts';
import { UsageError } from '../arguments.ts';
import { packageVersion } from '../files.ts';
import { copyWhole, writeWhole } from '../writing.ts';
import { named } from './checkpoint.ts';
import { type EarlierModel, readEarlierModel } from './earlier-model.ts';
import { lockFolder } from './folder-lock.ts';

/**
 * Writes the model whose decoder is the mean of those of `folders` into `out`; all must have the same config and words.
 * Throws UsageError where they differ, and where `out` holds a model and may not be overwritten.
 */
export async function averageModels(
  folders: readonly string[],
  { out, force }: { readonly out: string; readonly force: boolean },
  precision: 'float32' | 'float16',
): Promise<void> {
  if (existsSync(join(out, 'config.json')) && !force) {
    throw new UsageError(
      `--out ${out} holds a model already. Name another folder, or overwrite it with --force.`,
    );
  }
  const unlock = await lockFolder(out);
  try {
    await averageInto(folders, out, precision);
  } finally {
    unlock();
  }
}

async function averageInto(
  folders: readonly string[],
  out: string,
  precision: 'float32' | 'float16',
): Promise<void> {
  if (folders.length < 2)
    throw new UsageError('--average takes two or more model folders, with commas between them.');
  const models: EarlierModel[] = [];
  for (const folder of folders) models.push(await readEarlierModel(folder));
  const [first] = models;
  const other = models.findIndex(
    ({ config, tokenizer }) =>
      !isDeepStrictEqual(config, first.config) ||
      !isDeepStrictEqual(tokenizer.toJSON(), first.tokenizer.toJSON()),
  );
  if (other > 0) {
    throw new UsageError(
      `--average: ${folders[other]} has other settings or words than ${folders[0]}; average like with like.`,
    );
  }
  const weights = averageWeights(models.map((model) => model.weights));
  const { encoder, decoder, tokenizer } = first.config;
  for (const name of ['config.json', tokenizer, encoder.weights])
    await copyWhole(join(folders[0], name), join(out, name));
  await writeWhole(join(out, decoder.weights), writeSafetensors(named(weights), { encoding: precision }));
  const report = {
    format: 'ekphrasis-training',
    version: 1,
    program: packageVersion(),
    command: ['node', 'dist/train.js', ...process.argv.slice(2)].join(' '),
    averageOf: models.map((model) => model.report),
  };
  await writeWhole(join(out, 'training.json'), `${JSON.stringify(report, null, 2)}\n`);
}
