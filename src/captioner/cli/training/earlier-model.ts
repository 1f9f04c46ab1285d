import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '../../../nn/formats/safetensors.ts';
import type { Weights } from '../../../nn/formats/weights.ts';
import { type CaptionerConfig, parseCaptionerConfig } from '../../config.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { UsageError } from '../arguments.ts';
import { folderSource } from '../files.ts';

/** A model that a new training begins with. */
export interface EarlierModel {
  readonly config: CaptionerConfig;
  readonly tokenizer: Tokenizer;
  readonly weights: Weights;
  /** Name of the weights' file, for messages. */
  readonly file: string;
  /** Its training.json, or the fine-tuning.json of one that was trained end to end; null without. */
  readonly report: unknown;
}

/** Reads the model folder. Throws UsageError where it is none, FormatError for a damaged one. */
export async function readEarlierModel(folder: string): Promise<EarlierModel> {
  if (!existsSync(join(folder, 'config.json'))) {
    throw new UsageError(
      `--from ${folder} is no model folder: it has no config.json. Name one that train has written.`,
    );
  }
  const source = folderSource(folder);
  const json = async (name: string): Promise<string> => new TextDecoder().decode(await source(name));
  const config = parseCaptionerConfig(await json('config.json'), join(folder, 'config.json'));
  const file = config.decoder.weights;
  const report = ['training.json', 'fine-tuning.json'].find((name) => existsSync(join(folder, name)));
  return {
    config,
    tokenizer: Tokenizer.fromJSON(JSON.parse(await json(config.tokenizer))),
    weights: readSafetensors(await source(file), file).weights,
    file: join(folder, file),
    report: report === undefined ? null : JSON.parse(await json(report)),
  };
}
