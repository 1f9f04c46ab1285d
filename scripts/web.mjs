// `npm run web`: puts the demo page together in build/web/, a folder for any static host, and serves it on this machine.
//
//   node scripts/web.mjs [--port 8080] [--build-only]
//
// Needs a build (`npm ci` makes one).
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildSite } from './browser/site.mjs';
import { startStaticServer } from './browser/static-server.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

try {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '8080' }, 'build-only': { type: 'boolean', default: false } },
  });
  const root = buildSite();
  if (values['build-only']) console.log(`the site is in ${root}/`);
  else {
    const { origin } = await startStaticServer({ root, port: Number(values.port) });
    console.log(`${origin}/ (Ctrl-C ends it; ${root}/ can be put on any static host)`);
  }
} catch (error) {
  const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  console.error(`web: ${taken ? `${error.message}; name another port with --port` : error.message}`);
  process.exitCode = 1;
}
