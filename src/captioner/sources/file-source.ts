/**
 * Reads a file of a model folder by its name within the folder: from disk in Node, over HTTP in a browser. Rejects
 * with a FormatError that names the file when it is not there.
 */
export type FileSource = (name: string) => Promise<Uint8Array>;
