// Builds the benchmark into build/bench/<process>/, a folder of its own for every run, so that a long run measures one
// state of the sources. `build/bench/node_modules` links to what `npm ci --prefix bench` installs.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'build', 'bench');

const shared = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  logLevel: 'warning',
  loader: { '.wgsl': 'text', '.wasm': 'binary' },
};

/** A fresh folder for the bundles of this run. */
export function makeRunFolder() {
  const run = join(folder, `run-${process.pid}`);
  rmSync(run, { recursive: true, force: true });
  mkdirSync(run, { recursive: true });
  process.once('exit', () => rmSync(run, { recursive: true, force: true }));
  const link = join(folder, 'node_modules');
  if (!existsSync(link)) {
    rmSync(link, { force: true });
    symlinkSync(resolve(root, 'bench', 'node_modules'), link, 'junction');
  }
  return run;
}

const node = (run) => ({
  ...shared,
  platform: 'node',
  packages: 'external',
  splitting: true,
  outdir: run,
  entryNames: '[name]',
  chunkNames: 'chunks/[name]-[hash]',
});

/** The command itself, without any engine. */
export async function buildCommand(run) {
  await esbuild.build({ ...node(run), entryPoints: { bench: 'bench/cli/main.ts' } });
  return join(run, 'bench.js');
}

/** The loops that measure the processor's peak, from AssemblyScript, where they are older than their source. */
async function buildPeak() {
  const source = 'bench/measure/peak-wasm/index.ts';
  const changed = statSync(join(root, source)).mtimeMs;
  for (const [name, features] of [
    ['peak', ['simd']],
    ['peak-relaxed', ['simd', 'relaxed-simd']],
  ]) {
    const path = join(folder, `${name}.wasm`);
    if (existsSync(path) && statSync(path).mtimeMs > changed) continue;
    const { default: asc } = await import('assemblyscript/asc');
    let binary;
    const { error, stderr } = await asc.main(
      [
        'index.ts',
        '--outFile',
        'peak.wasm',
        '-O3',
        '--noAssert',
        '--runtime',
        'stub',
        '--use',
        'abort=',
      ].concat(features.flatMap((feature) => ['--enable', feature])),
      {
        readFile: (file) => (file === 'index.ts' ? readFileSync(join(root, source), 'utf8') : null),
        writeFile: (_file, contents) => {
          binary = contents;
        },
      },
    );
    if (error) throw new Error(`AssemblyScript: ${error.message}\n${stderr}`);
    writeFileSync(path, binary);
  }
}

function newest(path) {
  if (!statSync(path).isDirectory()) return statSync(path).mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Halves of engines for Node are replaced by those for a browser. */
const browserHalves = {
  name: 'browser-halves',
  setup(bundler) {
    bundler.onResolve({ filter: /\.node\.ts$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.replace(/\.node\.ts$/, '.browser.ts')),
    }));
  },
};

/**
 * The page with all engines in `<run>/page`, with what measures the processor's peak if `roofline` is set; gives the
 * folder from the repository's root.
 */
export async function buildPage(run, { roofline }) {
  if (roofline) await buildPeak();
  const outdir = join(run, 'page');
  await esbuild.build({
    ...shared,
    platform: 'browser',
    conditions: ['browser'],
    splitting: true,
    outdir,
    entryNames: '[name]',
    chunkNames: 'chunks/[name]-[hash]',
    entryPoints: {
      measure: 'bench/browser/measure.page.ts',
      ...(roofline ? { 'cpu-peak': 'bench/browser/cpu-peak.page.ts' } : {}),
    },
    plugins: [browserHalves],
  });
  const folder = relative(root, outdir).replaceAll('\\', '/');
  writeFileSync(
    join(outdir, 'index.html'),
    `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<base href="/bench/">
<title>Ekphrasis, benchmark</title>
<link rel="icon" href="data:,">
<script type="module" src="/${folder}/measure.js"></script>
</html>
`,
  );
  return folder;
}

/** The measuring process with all engines, and the worker that measures the processor's peak if `roofline` is set. */
export async function buildMeasuring(run, { roofline }) {
  const simd = join(root, 'build', 'simd.wasm');
  if (!existsSync(simd)) throw new Error('build/simd.wasm is missing: npm run build');
  if (statSync(simd).mtimeMs < newest(join(root, 'src/kernels/cpu/simd'))) {
    console.error(
      'bench: build/simd.wasm is older than its source, so the CPU device runs old kernels: npm run build',
    );
  }
  if (roofline) await buildPeak();
  await esbuild.build({
    ...node(run),
    entryPoints: {
      process: 'bench/measure/process.ts',
      ...(roofline ? { 'cpu-peak-worker': 'bench/measure/cpu-peak-worker.ts' } : {}),
    },
  });
  return join(run, 'process.js');
}
