import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { FormatError, UnsupportedError } from '../op/errors.ts';

/**
 * What is kept for a target, and in which file. Null where there is nothing, or EKPHRASIS_TUNING=none is set. Rejects
 * with FormatError where a file is there and cannot be read.
 */
export async function readTuningText(target: string): Promise<{ text: string; place: string } | null> {
  const folder = tuningFolder();
  if (folder === null) return null;
  const place = join(folder, fileName(target));
  try {
    return { text: await readFile(place, 'utf8'), place };
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new FormatError(`${place} cannot be read (${code})`, { cause });
  }
}

/** Keeps a text for a target, whole or not at all, and returns the file's path. Rejects with UnsupportedError. */
export async function writeTuningText(target: string, text: string): Promise<string> {
  const folder = tuningFolder();
  if (folder === null) {
    throw new UnsupportedError(
      'tune: the choices hold for this device but are not kept, since EKPHRASIS_TUNING=none says so; unset it, or give a folder',
    );
  }
  const path = join(folder, fileName(target));
  const unfinished = `${path}.${process.pid}.part`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(unfinished, text);
    await rename(unfinished, path);
    return path;
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw new UnsupportedError(
      `tune: the choices hold for this device but cannot be kept: ${path} cannot be written (${codeOf(cause)}); ` +
        'set EKPHRASIS_TUNING to a folder that can',
      { cause },
    );
  }
}

/** EKPHRASIS_TUNING, else a folder of the user's cache; the XDG specification has relative paths ignored. */
function tuningFolder(): string | null {
  const { EKPHRASIS_TUNING: own, XDG_CACHE_HOME: cache } = process.env;
  if (own) return own === 'none' ? null : own;
  return join(cache && isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'ekphrasis');
}

/** `tuning-mesa-software-llvmpipe-….json`: names of targets differ in more than what is lost here. */
function fileName(target: string): string {
  const words = target.toLowerCase().match(/[a-z0-9.]+/g) ?? [];
  return `tuning-${words.join('-').slice(0, 200)}.json`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
