import { FormatError } from '../kernels/op/errors.ts';

/**
 * Reads a file of a model folder by its name within the folder: from disk in Node, over HTTP in a browser. Rejects
 * with a FormatError that names the file when it is not there.
 */
export type FileSource = (name: string) => Promise<Uint8Array>;

/** A folder that lies behind a URL, for browsers. */
export function urlSource(folder: string): FileSource {
  return async (name) => {
    const url = `${folder.replace(/\/$/, '')}/${name}`;
    const response = await fetch(url);
    if (!response.ok) {
      throw new FormatError(
        `${url} cannot be fetched (${response.status} ${response.statusText}); check the model's URL`,
      );
    }
    return new Uint8Array(await response.arrayBuffer());
  };
}
