import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { ImageError } from '../../kernels/op/errors.ts';
import { readImageFile, readStream, reasonOf } from './files.ts';

/** One image to caption, found but not yet read. */
export interface ImageInput {
  /** As it is printed: the path, or `-` for standard input. */
  path: string;
  /** What errors call it. */
  name: string;
  /** Reads the file. Rejects with {@link ImageError}. */
  read(): Promise<Uint8Array>;
}

/** Files of a folder that are taken for images; any other file can still be named itself. */
const IMAGE_NAME = /\.(jpe?g|jpe|jfif|png)$/i;

function fileInput(path: string): ImageInput {
  return { path, name: path, read: () => readImageFile(path) };
}

function failedInput(path: string, message: string): ImageInput {
  return { path, name: path, read: () => Promise.reject(new ImageError(message)) };
}

function standardInput(): ImageInput {
  return { path: '-', name: 'standard input', read: () => readStream(process.stdin, 'standard input') };
}

async function folderInputs(folder: string): Promise<ImageInput[]> {
  const names = (await readdir(folder))
    .filter((name) => IMAGE_NAME.test(name) && !name.startsWith('.'))
    .sort();
  if (names.length > 0) return names.map((name) => fileInput(join(folder, name)));
  return [
    failedInput(
      folder,
      `${folder} is a folder without JPEG or PNG files in it (its subfolders are not searched).`,
    ),
  ];
}

async function globInputs(pattern: string): Promise<ImageInput[]> {
  const paths = await glob(sep === '\\' ? pattern.replaceAll('\\', '/') : pattern, {
    absolute: isAbsolute(pattern),
    expandDirectories: false,
  });
  if (paths.length > 0) return paths.sort().map(fileInput);
  return [failedInput(pattern, `${pattern} matches no file.`)];
}

async function expand(argument: string): Promise<ImageInput[]> {
  if (argument === '-') return [standardInput()];
  try {
    return (await stat(argument)).isDirectory() ? await folderInputs(argument) : [fileInput(argument)];
  } catch (error) {
    // A file may have brackets in its name, so only what does not exist is taken for a pattern.
    if (isDynamicPattern(argument)) return globInputs(argument);
    return [failedInput(argument, `${argument} ${reasonOf(error)}.`)];
  }
}

/**
 * Finds the images that a command line names: files as they are, the images directly within folders, the matches of
 * glob patterns (sorted), and `-` for standard input. An image named twice is taken once. An argument that yields
 * nothing becomes an input whose reading fails, so that it is reported in its place.
 */
export async function findImages(args: string[]): Promise<ImageInput[]> {
  const found = new Map<string, ImageInput>();
  for (const argument of args) {
    for (const input of await expand(argument)) {
      if (!found.has(input.path)) found.set(input.path, input);
    }
  }
  return [...found.values()];
}
