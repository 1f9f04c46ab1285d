import { FormatError } from '../../kernels/op/errors.ts';

/** The last part of a path. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const depth = (path: string): number => path.split('/').length;

/** The files of a data set's folder, by paths with "/" between parts. */
export class FolderListing {
  /** Nearer to the root first, then in order of the alphabet. */
  readonly #paths: readonly string[];
  readonly #byBaseName = new Map<string, string[]>();

  constructor(paths: readonly string[]) {
    this.#paths = [...paths].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
    for (const path of this.#paths) {
      const name = baseName(path);
      const places = this.#byBaseName.get(name);
      if (places) places.push(path);
      else this.#byBaseName.set(name, [path]);
    }
  }

  /** The file of this name that is nearest to the root. */
  nearest(name: string): string | undefined {
    return this.#byBaseName.get(name)?.[0];
  }

  /**
   * The image that a captions file means by `name`: the file of that path, or the one whose path ends in it, so that
   * `cats/1.jpg` is `Images/cats/1.jpg` and never `dogs/1.jpg`. Undefined where there is none.
   * @param split a folder in which files are preferred, as that of COCO's split
   * @param others names of folders whose files are not meant, as those of the other splits
   * @throws FormatError for a name that several files have.
   */
  image(name: string, split?: string, others: readonly string[] = []): string | undefined {
    const wanted = name.replaceAll('\\', '/').replace(/^(\.?\/)+/, '');
    const matching = (this.#byBaseName.get(baseName(wanted)) ?? []).filter(
      (path) => path === wanted || path.endsWith(`/${wanted}`),
    );
    const places = matching.filter((path) => !path.split('/').some((part) => others.includes(part)));
    const own = places.filter((path) => split !== undefined && path.split('/').includes(split));
    const candidates = own.length > 0 ? own : places;
    if (candidates.includes(wanted) || candidates.length === 1) {
      return candidates.includes(wanted) ? wanted : candidates[0];
    }
    if (candidates.length === 0) return undefined;
    throw new FormatError(
      `Data set: ${name} may be ${candidates[0]} or ${candidates[1]}; name images in the captions file by their paths.`,
    );
  }

  matching(pattern: RegExp): string[] {
    return this.#paths.filter((path) => pattern.test(baseName(path)));
  }
}
