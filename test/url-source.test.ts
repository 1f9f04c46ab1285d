// Model files over HTTP: progress, what is kept between visits, connections that break, and what is said when they stay so.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clearModelCache } from '../src/captioner/sources/model-cache.ts';
import { urlSource } from '../src/captioner/sources/url-source.ts';
import { errorOf } from './errors.ts';

const refused = (reading: Promise<unknown>) => errorOf(Error, () => reading);

const test = suite('url-source');
const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251);
const sha256 = (content: Uint8Array) => `sha256-${createHash('sha256').update(content).digest('base64')}`;

/** What the server does with the next requests; it notes each. */
const state = { content: bytes, breakAfter: Number.POSITIVE_INFINITY, breaks: 0, ranges: true, etag: '"1"' };
let requests: string[] = [];

function answer({ method, headers }: IncomingMessage, response: ServerResponse): void {
  const from = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
  const resumed = state.ranges && from > 0 && headers['if-range'] === state.etag;
  const body = resumed ? state.content.subarray(from) : state.content;
  requests.push(`${method} ${headers.range ?? 'whole'}`);
  response.writeHead(resumed ? 206 : 200, { etag: state.etag, 'content-length': body.length });
  if (method === 'HEAD') return void response.end();
  if (state.breaks-- <= 0) return void response.end(body);
  response.write(body.subarray(0, state.breakAfter), () => setTimeout(() => response.destroy(), 50));
}

const server = createServer((request, response) => {
  if (request.url === '/model/part.bin') return answer(request, response);
  response.writeHead(404).end();
});
let origin = '';

/** A Cache API with room for `limit` bytes. */
function cacheStorage(limit = Number.POSITIVE_INFINITY): CacheStorage {
  const stores = new Map<string, Map<string, Response>>();
  const open = async (name: string) => {
    const store = stores.get(name) ?? new Map<string, Response>();
    stores.set(name, store);
    return {
      match: async (url: string) => store.get(url)?.clone(),
      put: async (url: string, response: Response) => {
        const size = (await response.clone().arrayBuffer()).byteLength;
        if (size > limit) throw new DOMException('there is no room', 'QuotaExceededError');
        store.set(url, response);
      },
    };
  };
  return { open, delete: async (name: string) => stores.delete(name) } as never;
}

test.before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
test.before.each(() => {
  requests = [];
  Object.assign(state, { content: bytes, breakAfter: 100_000, breaks: 0, ranges: true, etag: '"1"' });
  globalThis.caches = cacheStorage();
});
test.after(() => {
  server.close();
  Reflect.deleteProperty(globalThis, 'caches');
});

const source = (options = {}) => urlSource(`${origin}/model/`, options);

test('tells how many bytes have come, of how many', async () => {
  const seen: [number, number | null][] = [];
  const read = source({
    onProgress: ({ file, loaded, total }: { file: string; loaded: number; total: number | null }) => {
      assert.is(file, 'part.bin');
      seen.push([loaded, total]);
    },
  });
  assert.equal(await read('part.bin'), bytes);
  assert.equal(seen[0], [0, bytes.length]);
  assert.equal(seen.at(-1), [bytes.length, bytes.length]);
  assert.ok(seen.every(([loaded], index) => index === 0 || loaded >= seen[index - 1][0]));
});

test('a file is fetched once, asked after at later visits, and fetched anew when it changes', async () => {
  await source()('part.bin');
  assert.equal(await source()('part.bin'), bytes);
  assert.equal(requests, ['GET whole', 'HEAD whole']);
  Object.assign(state, { content: bytes.subarray(5), etag: '"2"' });
  assert.equal(await source()('part.bin'), bytes.subarray(5));
  assert.equal(requests.slice(2), ['HEAD whole', 'GET whole']);
});

test('without a connection the kept file serves, and without one that was kept the error says so', async () => {
  await source()('part.bin');
  const offline = async () => {
    throw new TypeError('Failed to fetch');
  };
  assert.equal(await source({ fetch: offline })('part.bin'), bytes);
  assert.ok(await clearModelCache());
  const error = await refused(source({ fetch: offline })('part.bin'));
  assert.match(error.message, /part\.bin cannot be fetched: no answer came\. Check the connection/);
});

test('a connection that breaks is taken up where it broke', async () => {
  state.breaks = 2;
  assert.equal(await source({ cache: false })('part.bin'), bytes);
  assert.equal(requests, ['GET whole', 'GET bytes=100000-', 'GET bytes=200000-']);
});

test('a server without ranges gives the whole file again', async () => {
  Object.assign(state, { breaks: 1, ranges: false });
  assert.equal(await source({ cache: false })('part.bin'), bytes);
  assert.equal(requests, ['GET whole', 'GET bytes=100000-']);
});

test('a connection that breaks for good is an error with the bytes that came, and nothing is kept', async () => {
  Object.assign(state, { breaks: 100, breakAfter: 10 });
  const error = await refused(source()('part.bin'));
  assert.match(error.message, /part\.bin broke off after 40 of 300000 bytes, 4 times\./);
  state.breaks = 0;
  await source()('part.bin');
  assert.is(requests.at(-1), 'GET whole');
});

test('a file that is not there is named', async () => {
  const error = await refused(source()('other.bin'));
  assert.match(error.message, /model\/other\.bin cannot be fetched \(404 Not Found\); check the model's URL/);
});

test('with integrity nothing is asked, and another file is refused and not kept', async () => {
  const integrity = { 'part.bin': sha256(bytes) };
  await source({ integrity })('part.bin');
  await source({ integrity })('part.bin');
  assert.equal(requests, ['GET whole']);
  const other = { 'part.bin': sha256(bytes.subarray(1)) };
  const error = await refused(source({ integrity: other })('part.bin'));
  assert.match(error.message, /part\.bin is sha256-.+ and sha256-.+ was expected/);
  assert.equal(await source({ integrity })('part.bin'), bytes);
});

test('a full cache costs a word, not the file', async () => {
  globalThis.caches = cacheStorage(1000);
  const unkept: string[] = [];
  const read = source({ onUnkept: (file: string, reason: string) => unkept.push(`${file}: ${reason}`) });
  assert.equal(await read('part.bin'), bytes);
  assert.equal(unkept, ['part.bin: there is no room']);
});

test('an aborted signal ends the download with its reason', async () => {
  Object.assign(state, { breaks: 1, breakAfter: 1000 });
  const controller = new AbortController();
  const reading = source({
    signal: controller.signal,
    onProgress: ({ loaded }: { loaded: number }) => loaded > 0 && controller.abort(new Error('enough')),
  })('part.bin');
  assert.is((await refused(reading)).message, 'enough');
  assert.equal(requests, ['GET whole']);
  assert.is((await refused(source({ signal: controller.signal })('part.bin'))).message, 'enough');
});

test.run();
