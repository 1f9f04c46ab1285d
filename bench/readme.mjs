// Writes the benchmark's tables in the project's README from the results files in bench/results/. With --check it writes
// nothing and exits with 1 where the README is not what it would write, with 2 where it cannot tell.
//
//   node bench/readme.mjs [--check]
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const path = 'README.md';
const folder = 'bench/results';

/** Bundles modules of the benchmark and gives their exports. */
async function load(entry) {
  const temporary = mkdtempSync(join(tmpdir(), 'ekphrasis-bench-'));
  try {
    const outfile = join(temporary, 'module.mjs');
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function main() {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const { parseResults } = await load('bench/report/results-file.ts');
  const { readmeSection, withSection } = await load('bench/report/readme-section.ts');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  const files = new Map(
    names.sort().map((name) => {
      const file = `${folder}/${name}`;
      return [file, parseResults(readFileSync(file, 'utf8'), file)];
    }),
  );
  const readme = readFileSync(path, 'utf8');
  const written = withSection(readme, readmeSection(files));
  if (!values.check) writeFileSync(path, written);
  else if (written !== readme) {
    console.error(`${path} is stale: run \`node bench/readme.mjs\``);
    process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  console.error(`readme: ${error.message}`);
  process.exitCode = 2;
}
