// The worked examples of CONTRIBUTING.md: applied to the tree in memory, bundled, and run on each device.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../src/kernels/device.ts';
import { webgpuTest } from './adapter.ts';
import { codeBlocks } from './code-blocks.ts';
import type { OpCase } from './op-suite.ts';

const entry = `
  export { CpuDevice } from './src/kernels/cpu/cpu-device.ts';
  export { WebGpuDevice } from './src/kernels/webgpu/webgpu-device.ts';
  export { cumulativeSum } from './src/tensor/functions.ts';
  export { opCases } from './test/op-suite.ts';`;

interface Examples {
  readonly CpuDevice: { create(): Promise<Device> };
  readonly WebGpuDevice: { request(): Promise<Device> };
  readonly cumulativeSum: unknown;
  opCases(): OpCase[];
}

/** A file with every hunk of a diff applied; a hunk without line numbers must fit in one place. */
function patched(path: string, diff: string): string {
  return diff
    .split(/^@@$/m)
    .filter((hunk) => hunk.trim() !== '')
    .reduce(
      (source, hunk) => {
        const lines = hunk.slice(1, -1).split('\n');
        const side = (left: string) =>
          lines
            .filter((line) => line[0] !== left)
            .map((line) => `${line.slice(1)}\n`)
            .join('');
        const before = side('+');
        assert.is(source.split(before).length, 2, `${path} has not, or more than once:\n${before}`);
        return source.replace(before, () => side('-'));
      },
      readFileSync(path, 'utf8'),
    );
}

/** The files that the examples make or change, by path. */
function exampleFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const { language, path, text } of codeBlocks('CONTRIBUTING.md')) {
    if (path !== '') files.set(path, language === 'diff' ? patched(path, text) : text);
  }
  return files;
}

function overlay(files: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'examples',
    setup(bundler) {
      bundler.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        const full = resolve(resolveDir, path);
        return files.has(relative('.', full)) ? { path: full } : undefined;
      });
      bundler.onLoad({ filter: /\.(ts|wgsl)$/ }, ({ path }) => {
        const contents = files.get(relative('.', path));
        if (contents === undefined) return undefined;
        return { contents, loader: path.endsWith('.wgsl') ? 'text' : 'ts', resolveDir: dirname(path) };
      });
    },
  };
}

/** The examples' modules. The bundle lies in the tree, so that it finds the tree's packages. */
async function loadExamples(files: ReadonlyMap<string, string>): Promise<Examples> {
  mkdirSync('build', { recursive: true });
  const folder = mkdtempSync(join('build', 'contributing-'));
  try {
    const outfile = join(folder, 'examples.mjs');
    await build({
      stdin: { contents: entry, resolveDir: '.' },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      target: 'es2022',
      loader: { '.wgsl': 'text', '.wasm': 'binary' },
      plugins: [overlay(files)],
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ops = ['softplus', 'cumulativeSum'];

/** Runs the samples of the examples' ops; there must be some of each. */
async function runCases({ opCases }: Examples, device: Device): Promise<void> {
  for (const op of ops) {
    const cases = opCases().filter(({ name }) => name.startsWith(`${op}, `));
    assert.ok(cases.length > 0, `${op} has no samples`);
    for (const { run } of cases) await run(device);
  }
}

let examples: Examples;

test('the examples fit the tree', async () => {
  const files = exampleFiles();
  assert.equal(
    [...files.keys()],
    [
      'src/kernels/ops/unary.ts',
      'shaders/cumulative-sum.wgsl',
      'src/kernels/ops/cumulative-sum.ts',
      'src/kernels/op-table.ts',
      'src/tensor/functions.ts',
    ],
  );
  examples = await loadExamples(files);
  assert.type(examples.cumulativeSum, 'function');
});

test('CPU: the examples pass the tests that loop over the op table', async () => {
  const device = await examples.CpuDevice.create();
  await runCases(examples, device);
  device.destroy();
});

webgpuTest(test)('WebGPU: the examples pass the tests that loop over the op table', async () => {
  const device = await examples.WebGpuDevice.request();
  await runCases(examples, device);
  device.destroy();
});

test.run();
