/** Serves the folders of this repository that pages read, and nothing else, to this machine alone. */
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const folders = [
  'bench/node_modules/',
  'build/',
  'dist/',
  'models/',
  'test/browser/',
  'test/images/',
  'web/',
];

const types = {
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

/** What a page must be served with to have memory that is shared between threads. */
const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/**
 * Starts on a port, a free one unless it is named. Paths are those below `root`: of the current folder, which is the repository's
 * root in a run of the tests or of the benchmark, the folders above alone; of another one, all. Pages are cross-origin
 * isolated unless `isolated` is false. Resolves to `{ origin, close }`; origin is `http://127.0.0.1:PORT`, without a slash.
 */
export async function startStaticServer({ isolated = true, root = '.', port: wanted = 0 } = {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = normalize(decodeURIComponent(pathname)).slice(1);
    try {
      if (root === '.' && !folders.some((folder) => path.startsWith(folder))) {
        throw new Error('not a served folder');
      }
      const file = join(root, path === '' || path.endsWith('/') ? `${path}index.html` : path);
      const body = await readFile(file);
      response.writeHead(200, {
        'content-length': body.length,
        etag: `"${body.length}-${(await stat(file)).mtimeMs}"`,
        'content-type': types[extname(file)] ?? 'application/octet-stream',
        ...(isolated ? isolation : {}),
      });
      response.end(body);
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end(`no file ${path}`);
    }
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, '127.0.0.1', () => resolve(undefined));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        server.closeAllConnections();
      }),
  };
}
