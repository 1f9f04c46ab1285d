import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { EkphrasisError } from '../../kernels/op/errors.ts';

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space, or name a place on another',
  EDQUOT: 'your share of the disk is used up; free some space, or name a place on another',
  EFBIG: 'the disk holds no file that large; name a place on another',
  EACCES: 'you have no right to write there; mend the permissions, or name another place',
  EPERM: 'you have no right to write there; mend the permissions, or name another place',
  EROFS: 'that disk can only be read; name a place on another',
  EEXIST: 'a file of that name is in the way; remove it, or name another place',
  ENOTDIR: 'what should be a folder on the way there is a file; name another place',
  EISDIR: 'a folder of that name is in the way; name another place',
  ENOTEMPTY: 'a folder of that name is in the way; name another place',
  ENOENT: 'the folder does not exist; make it first',
  ENAMETOOLONG: 'the name is too long; give a shorter one',
  EMFILE: 'too many files are open; close other programs',
};

/** Why something cannot be written, and what to do, in words that follow "cannot be written". */
export function whyNotWritten(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return `(${code}): ${advice[code] ?? 'mend permissions and free space, or name another place'}`;
}

/**
 * Writes a file beside its place first, so that a crash leaves the old one or the new one and nothing between; what cannot
 * be written leaves nothing behind. Throws EkphrasisError naming the file.
 */
export function writeWhole(
  file: string,
  content: string | Uint8Array | readonly Uint8Array[],
): Promise<void> {
  return putInPlace(file, (temporary) => writeFile(temporary, content));
}

/** Copies a file in the same way. */
export function copyWhole(from: string, to: string): Promise<void> {
  return putInPlace(to, (temporary) => copyFile(from, temporary));
}

async function putInPlace(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.${process.pid}.partial`;
  try {
    await write(temporary);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new EkphrasisError(`${file} cannot be written ${whyNotWritten(error)}.`, { cause: error });
  }
}

/** Makes a folder and those above it; `flag` is what names another place. */
export async function makeFolder(folder: string, flag: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new EkphrasisError(`${flag} ${folder} cannot be made ${whyNotWritten(error)}.`, { cause: error });
  }
}
