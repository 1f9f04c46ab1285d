import type { Download } from './download.ts';

/** Where browsers keep model files between visits, unless another name is given. */
export const defaultCache = 'ekphrasis-models';

const versionHeader = 'x-ekphrasis-version';

/** Files by their URL, each with its version, in the browser's Cache API; it holds nothing where there is none. */
export class ModelCache {
  readonly #cache: Promise<Cache | null>;

  constructor(name: string) {
    // A page on plain http has no `caches`, and a private window may refuse to open one.
    this.#cache = globalThis.caches ? caches.open(name).catch(() => null) : Promise.resolve(null);
  }

  async find(url: string): Promise<Download | null> {
    const response = await (await this.#cache)?.match(url);
    if (!response) return null;
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { bytes, version: response.headers.get(versionHeader) };
  }

  /** Rejects where there is no room, with the browser's QuotaExceededError. */
  async keep(url: string, { bytes, version }: Download): Promise<void> {
    const headers: Record<string, string> = version === null ? {} : { [versionHeader]: version };
    await (await this.#cache)?.put(url, new Response(bytes, { headers }));
  }
}

/**
 * Frees what {@link urlSource} has kept of models. Resolves to whether there was anything.
 *
 *     await clearModelCache();
 */
export async function clearModelCache(name: string = defaultCache): Promise<boolean> {
  return globalThis.caches ? caches.delete(name) : false;
}
