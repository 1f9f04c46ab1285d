import { FormatError } from '../../kernels/op/errors.ts';
import { type Download, type DownloadProgress, download, UnreachableError, versionAt } from './download.ts';
import type { FileSource } from './file-source.ts';
import { defaultCache, ModelCache } from './model-cache.ts';

export interface UrlSourceOptions {
  /** Called as bytes come, for each file on its own; a kept file counts as loaded at once. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** The name of the browser's cache that keeps the files, or false for none. Default `ekphrasis-models`. */
  readonly cache?: string | false;
  /** Called when a file could not be kept, such as for want of room; it is used all the same. */
  readonly onUnkept?: (file: string, reason: string) => void;
  /** Aborts what is being fetched; reading then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** In place of the global `fetch`: for headers, or for files that come from elsewhere. */
  readonly fetch?: typeof fetch;
  /** What files must be, by their names, as `sha256-` and base64 (W3C Subresource Integrity). */
  readonly integrity?: Readonly<Record<string, string>>;
}

/**
 * A model folder behind a URL. In a browser, files are fetched once and then kept: later visits ask the server whether a
 * file has changed (its ETag, or the time of its last change), fetch it anew if so, and work without a connection.
 *
 *     const source = urlSource('/models/flickr8k', {
 *       onProgress: ({ file, loaded, total }) => console.log(file, loaded, total),
 *     });
 *     const captioner = await Captioner.load(source, await requestDevice());
 *
 * Reading rejects with FormatError, naming the URL, where a file cannot be had, ends too early or is not what `integrity`
 * says.
 */
export function urlSource(folder: string, options: UrlSourceOptions = {}): FileSource {
  const { onProgress, cache = defaultCache, onUnkept, signal, integrity = {} } = options;
  const http = { fetch: options.fetch ?? globalThis.fetch.bind(globalThis), signal };
  const kept = cache === false ? null : new ModelCache(cache);

  const current = async (url: string, file: string): Promise<Uint8Array | null> => {
    const found = (await kept?.find(url)) ?? null;
    if (!found) return null;
    const wanted = integrity[file];
    if (wanted !== undefined) return (await digestOf(found.bytes)) === wanted ? found.bytes : null;
    return (await unchanged(url, found, http)) ? found.bytes : null;
  };

  return async (file) => {
    signal?.throwIfAborted();
    const url = `${folder.replace(/\/$/, '')}/${file}`;
    const known = await current(url, file);
    if (known) {
      onProgress?.({ file, loaded: known.length, total: known.length });
      return known;
    }
    const fetched = await download(url, {
      ...http,
      onProgress: (loaded, total) => onProgress?.({ file, loaded, total }),
    });
    const wanted = integrity[file];
    if (wanted !== undefined) await checkIntegrity(url, fetched.bytes, wanted);
    try {
      await kept?.keep(url, fetched);
    } catch (error) {
      onUnkept?.(file, error instanceof Error ? error.message : String(error));
    }
    return fetched.bytes;
  };
}

/** Whether the server still has what was kept. Where it does not answer, there is nothing newer to be had. */
async function unchanged(
  url: string,
  { version }: Download,
  http: { readonly fetch: typeof fetch; readonly signal?: AbortSignal },
): Promise<boolean> {
  try {
    return version !== null && (await versionAt(url, http)) === version;
  } catch (error) {
    if (error instanceof UnreachableError) return true;
    throw error;
  }
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw new FormatError(
      'urlSource: integrity was given, but only pages on https or localhost can check it; leave it out, or serve the page so',
    );
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return `sha256-${btoa(String.fromCharCode(...digest))}`;
}

async function checkIntegrity(url: string, bytes: Uint8Array<ArrayBuffer>, wanted: string): Promise<void> {
  const found = await digestOf(bytes);
  if (found === wanted) return;
  throw new FormatError(
    `${url} is ${found}, and ${wanted} was expected: it is another version or damaged. Get the file that belongs to the ` +
      'integrity, or the integrity that belongs to the file.',
  );
}
