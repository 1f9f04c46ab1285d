/** Serves the folders of this repository that pages read, and nothing else, to this machine alone. */
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, normalize } from 'node:path';

const folders = [
  'bench/node_modules/',
  'build/',
  'dist/',
  'models/',
  'test/browser/',
  'test/images/',
  'web/',
];

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.map': 'application/json',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
};

export interface StaticServer {
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly origin: string;
  close(): Promise<void>;
}

/** What a page must be served with to have memory that is shared between threads. */
const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/**
 * Starts on a free port. Paths are taken from the current folder, which is the repository's root in a run of the tests or of the benchmark. Pages
 * are cross-origin isolated unless `isolated` is false.
 */
export async function startStaticServer({ isolated = true } = {}): Promise<StaticServer> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = normalize(decodeURIComponent(pathname)).slice(1);
    try {
      if (!folders.some((folder) => path.startsWith(folder))) throw new Error('not a served folder');
      const body = await readFile(path);
      response.writeHead(200, {
        'content-length': body.length,
        etag: `"${body.length}-${(await stat(path)).mtimeMs}"`,
        'content-type': types[extname(path)] ?? 'application/octet-stream',
        ...(isolated ? isolation : {}),
      });
      response.end(body);
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end(`no file ${path}`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
