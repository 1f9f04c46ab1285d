import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { averageWeights } from '../../../nn/average-weights.ts';
import { writeSafetensors } from '../../../nn/formats/safetensors.ts';
import { UsageError } from '../arguments.ts';
import { packageVersion } from '../files.ts';
import { named, writeAtomically } from './checkpoint.ts';
import { type EarlierModel, readEarlierModel } from './earlier-model.ts';

/**
 * Writes the model whose decoder is the mean of those of `folders` into `out`; all must have the same config and words.
 * Throws UsageError where they differ.
 */
export async function averageModels(
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
  await mkdir(out, { recursive: true });
  const { encoder, decoder, tokenizer } = first.config;
  for (const name of ['config.json', tokenizer, encoder.weights])
    await copyFile(join(folders[0], name), join(out, name));
  await writeAtomically(
    join(out, decoder.weights),
    writeSafetensors(named(weights), { encoding: precision }),
  );
  const report = {
    format: 'ekphrasis-training',
    version: 1,
    program: packageVersion(),
    command: ['node', 'dist/train.js', ...process.argv.slice(2)].join(' '),
    averageOf: models.map((model) => model.report),
  };
  await writeAtomically(join(out, 'training.json'), `${JSON.stringify(report, null, 2)}\n`);
}
