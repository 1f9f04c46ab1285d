import { existsSync, readFileSync, statSync } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EkphrasisError, FormatError, ImageError } from '../../kernels/op/errors.ts';
import type { FileSource } from '../file-source.ts';
import { UsageError } from './arguments.ts';

/** Larger files are not read: an uncompressed 100-megapixel image of 16-bit RGBA has 800 MB. */
const BYTE_LIMIT = 1024 ** 3;

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
    try {
      return await readFile(join(folder, inside));
    } catch (error) {
      throw new FormatError(
        `${join(folder, inside)} ${reasonOf(error)}. Get a complete copy of the folder ${folder}.`,
      );
    }
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

/** Writes a file beside its place first, so that no half of it is ever there. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new EkphrasisError(
      `${file} cannot be written (${code}). Name another file, or mend permissions and free space.`,
    );
  }
}

/** Reads an image file; a device, an oversized or an unreadable file is an {@link ImageError} naming it. */
export async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    const facts = await stat(path);
    if (facts.size > BYTE_LIMIT)
      throw new ImageError(`${path} is too large: ${facts.size} bytes. Scale it down first.`);
    if (facts.isCharacterDevice() || facts.isBlockDevice()) {
      throw new ImageError(`${path} is a device, not an image file. Use - to read standard input.`);
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError(`${path} ${reasonOf(error)}.`);
  }
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
