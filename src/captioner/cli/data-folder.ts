import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { glob } from 'tinyglobby';
import { FormatError } from '../../kernels/op/errors.ts';
import { type DataFolder, type DataSet, type DataSetOptions, openDataSet } from '../data/data-set.ts';
import { openImageList } from '../data/image-list.ts';
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

/** Opens what `--data` names: a folder, or a file that lists images of its own folder and their captions. */
export async function openData(
  path: string,
  options: DataSetOptions,
): Promise<{ readonly folder: string; readonly set: DataSet }> {
  if (statSync(path).isDirectory())
    return { folder: path, set: await openDataSet(dataFolder(path), options) };
  const folder = dirname(path);
  return { folder, set: await openImageList(dataFolder(folder), basename(path), options) };
}

/** Whether `--data` can name it. */
export function isData(path: string): boolean {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts !== undefined && (facts.isDirectory() || facts.isFile());
}
