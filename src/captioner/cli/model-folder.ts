import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './arguments.ts';
import { shippedModel } from './files.ts';

/** The captioner folder that `--model` names, or the shipped one. Throws {@link UsageError} where there is none. */
export function modelFolder(folder: string | undefined): string {
  const model = folder ?? shippedModel();
  if (existsSync(join(model, 'config.json'))) return model;
  if (folder === undefined) {
    throw new UsageError(
      `the shipped model is missing (${model}). Install again, or name a model folder with --model.`,
    );
  }
  const lack = existsSync(model) ? 'is no model folder: it has no config.json' : 'does not exist';
  throw new UsageError(`--model ${folder} ${lack}. Name a folder that convert or train has written.`);
}
