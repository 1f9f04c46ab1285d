import { readFile } from 'node:fs/promises';
import { cleanCaptions } from '../../data/clean-captions.ts';
import { UsageError } from '../arguments.ts';
import { reasonOf } from '../files.ts';
import type { ModelSettings, RunSettings } from './settings.ts';

/** A file of sentences without images. */
export interface TextFile {
  /** As `--text` has it. */
  readonly path: string;
  /** Its lines, cleaned as captions are; empty and too long ones are left out. */
  readonly sentences: readonly string[];
}

/**
 * Reads the files of `--text`. Throws UsageError where the objective has no use for them or lacks them, and for one that
 * cannot be read or has no sentence.
 */
export async function openText(
  { text: paths }: RunSettings,
  { objective, captions: { articles, maximumWords } }: ModelSettings,
): Promise<TextFile[]> {
  if ((objective === 'language-model') !== paths.length > 0) {
    throw new UsageError(
      objective === 'language-model'
        ? '--objective language-model learns from sentences without images, and --text FILE is missing. Name a file with one a line.'
        : `--text belongs to --objective language-model, and the objective is ${objective}. Leave it away, or change the objective.`,
    );
  }
  const files: TextFile[] = [];
  for (const path of paths) {
    const captions = (await read(path)).split(/\r?\n/);
    const [record] = cleanCaptions([{ image: path, captions }], { articles, maximumWords });
    if (!record) {
      throw new UsageError(
        `--text ${path} has no sentence of at most ${maximumWords} words. Raise --max-words.`,
      );
    }
    files.push({ path, sentences: record.captions });
  }
  return files;
}

async function read(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UsageError(`--text ${path} ${reasonOf(error)}. Name a file with a sentence a line.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`--text ${path} is not UTF-8 text. Name a file with a sentence a line.`);
  }
}
