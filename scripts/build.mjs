// Builds everything: the SIMD WebAssembly kernels, the command lines and the library for Node, the browser bundle,
// and (with --tests) the test files. `npm ci` runs it through "prepare".
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

/** Shaders as text without their comments, which are a third of it. Line breaks stay, so that compilers' messages fit the file. */
const shaders = {
  name: 'shaders',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      return { contents: source.replace(/[ \t]*\/\/.*$/gm, '').replace(/^[ \t]+/gm, ''), loader: 'text' };
    });
  },
};

const shared = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  logLevel: 'warning',
  loader: { '.wasm': 'binary' },
  plugins: [shaders],
};
const node = { ...shared, platform: 'node', packages: 'external', splitting: true };
const browser = { ...shared, platform: 'browser', conditions: ['browser'] };

/**
 * The CPU device's WebAssembly: one AssemblyScript source, SIMD on, no garbage collector, memory given by the device.
 * The device takes the build with fused multiply-add where the runtime has that.
 */
async function buildSimd(outFile, features) {
  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync('build', { recursive: true });
  const { error, stderr } = await asc.main([
    'src/kernels/cpu/simd/index.ts',
    '--outFile',
    outFile,
    '--optimizeLevel',
    '3',
    '--noAssert',
    '--runtime',
    'stub',
    ...features.flatMap((feature) => ['--enable', feature]),
    '--importMemory',
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
    '--use',
    'abort=',
  ]);
  if (error) throw new Error(`AssemblyScript: ${error.message}\n${stderr}`);
}

/** The scripts of pages that the commands write, each as text beside its name. */
async function buildPageScripts() {
  for (const path of entries('src/captioner/cli/pages', '.page.ts')) {
    await esbuild.build({
      ...browser,
      entryPoints: [path],
      format: 'iife',
      minify: true,
      sourcemap: false,
      outfile: `build/${basename(path).replace('.ts', '.txt')}`,
    });
  }
}

/** The library, whole and in parts, as `exports` of package.json has it. */
const library = { ekphrasis: 'src/index.ts' };
for (const part of ['captioner', 'engine', 'formats', 'images', 'kernels', 'nn', 'worker']) {
  library[part] = `src/${part}.ts`;
}

function entries(folder, suffix) {
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(suffix))
        .map((name) => join(folder, name))
    : [];
}

async function buildNode() {
  const points = { ...library };
  for (const path of entries('src/captioner/cli', '.ts')) {
    const name = path.split('/').pop().replace('.ts', '');
    if (name === 'ekphrasis') points.cli = path;
    else if (['caption', 'convert', 'train', 'evaluate', 'feature-worker', 'image-worker'].includes(name))
      points[name] = path;
  }
  await esbuild.build({
    ...node,
    entryPoints: points,
    outdir: 'dist',
    entryNames: '[name]',
    chunkNames: 'chunks/[name]-[hash]',
  });
}

/** For bundlers and import maps the parts share chunks; for a page without either there is one small file of all. */
async function buildBrowser() {
  await esbuild.build({
    ...browser,
    entryPoints: { ...library, 'worker-thread': 'src/captioner/worker/worker-thread.ts' },
    splitting: true,
    outdir: 'dist/browser',
    chunkNames: 'chunks/[name]-[hash]',
  });
  await esbuild.build({
    ...browser,
    entryPoints: { 'ekphrasis.min': 'src/index.ts' },
    minify: true,
    outdir: 'dist',
  });
}

/** Declarations for those who use the library from TypeScript. */
function buildTypes() {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
    stdio: 'inherit',
  });
  // The op files merge their rows into OpAttributes, and no declaration that is written says that they exist.
  const rows = entries('src/kernels/ops', '.ts').map((path) => `import '../ops/${basename(path)}';\n`);
  appendFileSync('dist/types/kernels/op/op.d.ts', rows.join(''));
}

async function buildTests() {
  rmSync('build/test', { recursive: true, force: true });
  await esbuild.build({
    ...node,
    entryPoints: entries('test', '.test.ts'),
    outdir: 'build/test',
    chunkNames: 'chunks/[name]-[hash]',
  });
  const pages = entries('test/browser', '.page.ts');
  if (pages.length) await esbuild.build({ ...browser, entryPoints: pages, outdir: 'build/test/browser' });
}

// Uncaught, an error would be shown with the source line it left from, and minified WebAssembly is one line of megabytes.
try {
  await buildSimd('build/simd.wasm', ['simd']);
  await buildSimd('build/simd-relaxed.wasm', ['simd', 'relaxed-simd']);
  rmSync('dist', { recursive: true, force: true });
  await buildPageScripts();
  await buildNode();
  await buildBrowser();
  buildTypes();
  if (process.argv.includes('--tests')) await buildTests();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
