// `npm run bench`: builds the command and runs it. See README.md beside this file.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as adapters from '../scripts/adapters.mjs';
import { findChromium } from '../scripts/chromium.mjs';
import * as build from './build.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
try {
  const run = build.makeRunFolder();
  const { main } = await import(pathToFileURL(await build.buildCommand(run)).href);
  process.exitCode = await main(process.argv.slice(2), {
    ...adapters,
    findChromium,
    buildMeasuring: (parts) => build.buildMeasuring(run, parts),
    buildPage: (parts) => build.buildPage(run, parts),
  });
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
