import { FormatError } from '../../kernels/op/errors.ts';

/** How far the download of a file has come. */
export interface DownloadProgress {
  /** The file's name in the model folder. */
  readonly file: string;
  /** Bytes so far. */
  readonly loaded: number;
  /** Bytes in all, where the server says; null where it does not, as of a compressed answer. */
  readonly total: number | null;
}

export interface DownloadOptions {
  readonly fetch: typeof fetch;
  readonly signal?: AbortSignal;
  readonly onProgress: (loaded: number, total: number | null) => void;
}

/** A file as it came, with what the server calls this version of it; null where it has no name for it. */
export interface Download {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly version: string | null;
}

/** How often a download that broke off is taken up again. */
const resumptions = 3;

/**
 * Fetches a file. When the connection breaks, the rest alone is asked for, where the server allows it (RFC 9110, section
 * 14, with If-Range) and says which version of the file it gave. Rejects with FormatError where the file cannot be had or
 * ends too early, and with the signal's reason once that is aborted.
 */
export async function download(
  url: string,
  { fetch, signal, onProgress }: DownloadOptions,
): Promise<Download> {
  let parts: Uint8Array[] = [];
  let loaded = 0;
  let version: string | null = null;
  for (let broken = 0; ; ) {
    const rest: Record<string, string> =
      loaded > 0 && version ? { Range: `bytes=${loaded}-`, 'If-Range': version } : {};
    const response = await get(url, { headers: rest, signal }, fetch);
    if (!(response.status === 206 && rest.Range)) {
      parts = [];
      loaded = 0;
    }
    version = versionOf(response);
    const total = sizeOf(response, loaded);
    onProgress(loaded, total);
    let ended = false;
    try {
      for await (const part of chunksOf(response)) {
        parts.push(part);
        loaded += part.length;
        onProgress(loaded, total);
      }
      ended = true;
    } catch {
      signal?.throwIfAborted();
    }
    if (ended && (total === null || loaded === total)) return { bytes: joined(parts, loaded), version };
    if (++broken > resumptions) {
      throw new FormatError(
        `${url} broke off after ${loaded} of ${total ?? 'unknown'} bytes, ${broken} times. Check the connection and try again.`,
      );
    }
  }
}

/** What the server calls the version of a file that it would give now; null where it does not say. Rejects as {@link download}. */
export async function versionAt(
  url: string,
  { fetch, signal }: Omit<DownloadOptions, 'onProgress'>,
): Promise<string | null> {
  const response = await get(url, { method: 'HEAD', cache: 'no-cache', signal }, fetch);
  // Until its empty body is read, a browser takes the request for one under way.
  await response.arrayBuffer();
  return versionOf(response);
}

async function get(url: string, request: RequestInit, fetch: DownloadOptions['fetch']): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, request);
  } catch (cause) {
    request.signal?.throwIfAborted();
    throw new UnreachableError(
      `${url} cannot be fetched: no answer came. Check the connection and the URL.`,
      { cause },
    );
  }
  if (!response.ok) {
    const { status, statusText } = response;
    throw new FormatError(
      `${url} cannot be fetched (${`${status} ${statusText}`.trim()}); check the model's URL`,
    );
  }
  return response;
}

/** No answer at all: the one case in which what was kept before has to do. */
export class UnreachableError extends FormatError {}

/** A strong entity tag, or the time of the last change. A weak tag does not promise the same bytes. */
function versionOf({ headers }: Response): string | null {
  const tag = headers.get('etag');
  return tag && !tag.startsWith('W/') ? tag : headers.get('last-modified');
}

/** The length of what a compressed answer unpacks to is not told. */
function sizeOf({ headers }: Response, before: number): number | null {
  const length = headers.get('content-length');
  return length === null || headers.get('content-encoding') ? null : before + Number(length);
}

/** Safari's streams are not iterable. */
async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
