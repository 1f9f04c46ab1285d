import { existsSync, readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FormatError, ImageError } from '../../kernels/op/errors.ts';
import type { FileSource } from '../sources/file-source.ts';
import { UsageError } from './arguments.ts';

/** Larger images are not read: a JPEG of 100 megapixels has some 40 MB. */
const BYTE_LIMIT = 64 * 1024 ** 2;
/** Larger files of a model are not read: Node reads no more at once. */
export const MODEL_BYTE_LIMIT = 2 ** 31 - 1;

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read (permission denied)',
  EPERM: 'may not be read (permission denied)',
  ELOOP: 'is a loop of symbolic links',
  EISDIR: 'is a folder',
  ENAMETOOLONG: 'has too long a name',
};

/** Why a file cannot be had, in words that follow its name. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  return REASONS[code ?? ''] ?? `cannot be read (${code ?? String(error)})`;
}

/** The folder of this package: the nearest one above the running bundle that holds a package.json. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** The script of a worker among the commands' bundles; this code may lie in a chunk below them. */
export function workerUrl(name: string): URL {
  return new URL(`./${name}`, import.meta.url.replace(/chunks\/[^/]*$/, ''));
}

/** The version in this package's package.json. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8'));
  return String(version);
}

/** The folder of the model that ships with the package. */
export function shippedModel(): string {
  return join(packageFolder(), 'models', 'flickr8k');
}

/** Reads files of one folder by their names relative to it; names that lead out of it are refused. */
export function folderSource(folder: string): FileSource {
  return async (name) => {
    const inside = normalize(name);
    if (isAbsolute(inside) || inside.split(/[\\/]/).includes('..')) {
      throw new FormatError(
        `${folder}: the file name "${name}" leads out of the folder. Use a name within it.`,
      );
    }
    const path = join(folder, inside);
    return readRegularFile(
      path,
      MODEL_BYTE_LIMIT,
      (reason) => new FormatError(`${path} ${reason}. Get a complete copy of the folder ${folder}.`),
    );
  };
}

/** Throws {@link UsageError} where a file that a flag names cannot be written for want of a folder. */
export function checkOutputFile(flag: string, file: string | undefined): void {
  if (file === undefined) return;
  if (!existsSync(dirname(file))) {
    throw new UsageError(`${flag} ${file}: the folder ${dirname(file)} does not exist. Make it first.`);
  }
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`${flag} ${file} is a folder. Name a file.`);
  }
}

/**
 * Reads a file that has an end: a device or a pipe may have none. Throws what `fault` makes of the reason, in words that
 * follow the file's name.
 */
export async function readRegularFile(
  path: string,
  limit: number,
  fault: (reason: string) => Error,
): Promise<Uint8Array> {
  let reason: string | null = null;
  try {
    const facts = await stat(path);
    if (facts.isCharacterDevice() || facts.isBlockDevice()) reason = 'is a device, not a file';
    else if (facts.isFIFO() || facts.isSocket()) reason = 'is a pipe or a socket, not a file';
    else if (facts.size > limit) reason = `is too large: ${facts.size} bytes, and at most ${limit} are read`;
    else return await readFile(path);
  } catch (error) {
    reason = reasonOf(error);
  }
  throw fault(reason);
}

/** Reads an image file; what is no file, too large or unreadable is an {@link ImageError} naming it. */
export function readImageFile(path: string): Promise<Uint8Array> {
  return readRegularFile(path, BYTE_LIMIT, (reason) => {
    const hint = /device|pipe/.test(reason) ? ' Use - to read standard input.' : '';
    return new ImageError(`${path} ${reason}.${hint}`);
  });
}

/** Reads a stream to its end, for images that come through standard input. */
export async function readStream(stream: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream) {
    size += part.length;
    if (size > BYTE_LIMIT)
      throw new ImageError(`${name} is too large: more than ${BYTE_LIMIT} bytes. Scale it down first.`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
