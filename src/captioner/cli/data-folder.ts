import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { glob } from 'tinyglobby';
import { FormatError } from '../../kernels/errors.ts';
import type { DataFolder } from '../data/data-set.ts';
import { reasonOf } from './files.ts';

/** A data set's folder on disk; links are followed, since the images of a large set often lie elsewhere. */
export function dataFolder(folder: string): DataFolder {
  return {
    list: () => glob('**', { cwd: folder, dot: true, onlyFiles: true, expandDirectories: false }),
    read: async (name) => {
      try {
        return await readFile(join(folder, name));
      } catch (error) {
        throw new FormatError(`${join(folder, name)} ${reasonOf(error)}.`);
      }
    },
  };
}
