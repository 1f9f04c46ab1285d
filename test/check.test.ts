import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkImports, readImports } from '../scripts/check/imports.mjs';
import { checkSource, longest } from '../scripts/check/sources.mjs';

const packageJson = {
  dependencies: { pngjs: '1' },
  imports: { '#gpu': { browser: './src/kernels/gpu.browser.ts', default: './src/kernels/gpu.node.ts' } },
};

/** The findings on a made-up tree, as `path:line message`. */
function check(tree: Record<string, string>): string[] {
  const findings: { path: string; line: number; message: string }[] = checkImports(
    new Map(Object.entries(tree)),
    packageJson,
  );
  return findings.map(({ path, line, message }) => `${path}:${line} ${message}`);
}

/** Asserts that a tree has one finding, that begins with `place` and matches `message`. */
function refuses(tree: Record<string, string>, place: string, message: RegExp): void {
  const findings = check(tree);
  assert.is(findings.length, 1, findings.join('\n') || 'no finding');
  assert.ok(findings[0].startsWith(`${place} `), findings[0]);
  assert.match(findings[0], message);
}

test('a tree that imports downward has no findings', () => {
  const tree = {
    'shaders/add.wgsl': '',
    'src/kernels/add.ts': "import source from '../../shaders/add.wgsl';\nimport { gpu } from '#gpu';\n",
    'src/kernels/gpu.node.ts': "import { create } from 'node:fs';\n",
    'src/kernels/gpu.browser.ts': '',
    'src/tensor/tensor.ts': "import { add } from '../kernels/add.ts';\nimport { gpu } from '#gpu';\n",
    'src/nn/dense.ts': "import type { Tensor } from '../tensor/tensor.ts';\n",
    'src/captioner/captioner.ts':
      "import {\n  a,\n  b,\n} from '../nn/dense.ts';\nimport { PNG } from 'pngjs';\n",
    'src/captioner/cli/caption.ts':
      "import { readFile } from 'node:fs/promises';\nimport '../captioner.ts';\n",
    'src/index.ts': "export * from './captioner/captioner.ts';\n",
    'test/dense.test.ts': "import { dense } from '../src/nn/dense.ts';\nimport { test } from 'uvu';\n",
  };
  assert.equal(check(tree), []);
});

test('an upward import is found, of types too, across lines too', () => {
  const upper = { 'src/nn/dense.ts': '', 'src/tensor/tensor.ts': '', 'src/index.ts': '' };
  const upward = /src\/kernels is below src\/nn/;
  refuses(
    { ...upper, 'src/kernels/a.ts': "\nimport { d } from '../nn/dense.ts';" },
    'src/kernels/a.ts:2',
    upward,
  );
  refuses(
    { ...upper, 'src/kernels/a.ts': "import type { D } from '../nn/dense.ts';" },
    'src/kernels/a.ts:1',
    upward,
  );
  refuses(
    { ...upper, 'src/kernels/a.ts': "import {\n  d,\n} from '../nn/dense.ts';" },
    'src/kernels/a.ts:1',
    upward,
  );
  refuses(
    { ...upper, 'src/kernels/a.ts': "export { d } from '../nn/dense.ts';" },
    'src/kernels/a.ts:1',
    upward,
  );
  refuses(
    { ...upper, 'src/kernels/a.ts': "const d = await import('../nn/dense.ts');" },
    'src/kernels/a.ts:1',
    upward,
  );
  refuses(
    { ...upper, 'src/tensor/a.ts': "import { d } from '../nn/dense.ts';" },
    'src/tensor/a.ts:1',
    /is below/,
  );
  refuses(
    { ...upper, 'src/nn/a.ts': "import { all } from '../index.ts';" },
    'src/nn/a.ts:1',
    /is below src /,
  );
});

test('circles are found, of two files and more, of types and through #names', () => {
  refuses(
    { 'src/nn/a.ts': "import { b } from './b.ts';", 'src/nn/b.ts': "import type { A } from './a.ts';" },
    'src/nn/a.ts:1',
    /circle: src\/nn\/a\.ts → src\/nn\/b\.ts → src\/nn\/a\.ts/,
  );
  refuses(
    {
      'src/nn/a.ts': "\nimport { b } from './b.ts';",
      'src/nn/b.ts': "import { c } from './c.ts';",
      'src/nn/c.ts': "export function c(): import('./a.ts').A {}",
    },
    'src/nn/a.ts:2',
    /a\.ts → src\/nn\/b\.ts → src\/nn\/c\.ts → src\/nn\/a\.ts/,
  );
  refuses(
    {
      'src/kernels/gpu.browser.ts': '',
      'src/kernels/gpu.node.ts': "import { a } from './a.ts';",
      'src/kernels/a.ts': "import { gpu } from '#gpu';",
    },
    'src/kernels/gpu.node.ts:1',
    /circle/,
  );
});

test('a diamond is no circle', () => {
  const tree = {
    'src/nn/a.ts': "import './b.ts';\nimport './c.ts';",
    'src/nn/b.ts': "import './d.ts';",
    'src/nn/c.ts': "import './d.ts';",
    'src/nn/d.ts': '',
  };
  assert.equal(check(tree), []);
});

test("Node's modules are refused outside *.node.ts and the command lines, with and without node:", () => {
  const message = /only for \*\.node\.ts and src\/captioner\/cli/;
  refuses({ 'src/kernels/a.ts': "import { join } from 'node:path';" }, 'src/kernels/a.ts:1', message);
  refuses({ 'src/captioner/a.ts': "import { join } from 'path';" }, 'src/captioner/a.ts:1', message);
  refuses({ 'src/captioner/a.ts': "import type { Stats } from 'node:fs';" }, 'src/captioner/a.ts:1', message);
  refuses({ 'test/browser/a.page.ts': "import 'node:fs';" }, 'test/browser/a.page.ts:1', message);
});

test('a Node half, the command lines, tests and shaders are refused where they do not belong', () => {
  const half = { 'src/kernels/gpu.node.ts': '', 'src/tensor/a.ts': "import '../kernels/gpu.node.ts';" };
  refuses(half, 'src/tensor/a.ts:1', /by its # name/);
  const cli = { 'src/captioner/cli/files.ts': '', 'src/captioner/a.ts': "import './cli/files.ts';" };
  refuses(cli, 'src/captioner/a.ts:1', /command lines are the top/);
  const bench = { 'bench/a.ts': '', 'web/a.ts': "import '../bench/a.ts';" };
  refuses(bench, 'web/a.ts:1', /nothing imports from bench/);
  refuses(
    { 'test/a.ts': '', 'src/nn/a.ts': "import '../../test/a.ts';" },
    'src/nn/a.ts:1',
    /nothing imports from test/,
  );
  const shader = { 'shaders/a.wgsl': '', 'src/nn/a.ts': "import a from '../../shaders/a.wgsl';" };
  refuses(shader, 'src/nn/a.ts:1', /only src\/kernels imports shaders/);
});

test('a missing file, ending, #name or dependency is found', () => {
  refuses({ 'src/nn/a.ts': "import './b';", 'src/nn/b.ts': '' }, 'src/nn/a.ts:1', /is no file/);
  refuses({ 'src/nn/a.ts': "import '#png';" }, 'src/nn/a.ts:1', /"imports" of package\.json/);
  refuses(
    { 'src/nn/a.ts': "import { h5 } from 'h5wasm/node';" },
    'src/nn/a.ts:1',
    /not among the dependencies/,
  );
});

test('comments and strings hold no imports', () => {
  const source = `
/* import { a } from './a.ts'; */
// import { a } from './b.ts';
const text = "import { a } from './c.ts'";
/**
 * import { a } from './d.ts';
 */`;
  assert.equal(readImports(source), []);
});

test('lines and types of imports are told', () => {
  const source = [
    "import a, { type B } from './a.ts';",
    "import { type C, type D } from './b.ts';",
    '',
    "import type { E } from './c.ts';",
    "export * as f from './d.ts';",
    "import * as g from './e.ts';",
  ].join('\n');
  assert.equal(readImports(source), [
    { specifier: './a.ts', typeOnly: false, line: 1 },
    { specifier: './b.ts', typeOnly: true, line: 2 },
    { specifier: './c.ts', typeOnly: true, line: 4 },
    { specifier: './d.ts', typeOnly: false, line: 5 },
    { specifier: './e.ts', typeOnly: false, line: 6 },
  ]);
});

test('long files and empty names and words are found at their line', () => {
  const said = (path: string, source: string) =>
    checkSource(path, source).map(
      ({ line, message }: { line: number; message: string }) => `${line} ${message}`,
    );
  assert.equal(said('src/nn/dense.ts', 'export const units = 3;\n'.repeat(longest)), []);
  assert.match(said('src/nn/dense.ts', '\n'.repeat(longest + 1))[0], /^401 401 lines/);
  assert.match(said('src/nn/utils.ts', '')[0], /^1 a file name that says nothing/);
  assert.match(said('src/nn/tensor-helpers.ts', '')[0], /^1 a file name/);
  assert.match(
    said('src/a.ts', `\nexport class Buffer${'Man'}ager {}`)[0],
    /^2 `class Buffer.* says nothing/,
  );
  assert.match(said('src/a.ts', `const x = y; // @ts-${'ig'}nore`)[0], /^1 .* silences/);
  assert.match(said('src/a.ts', `a();\n// ${'TO'}DO: more`)[0], /^2 /);
  assert.match(said('src/a.ts', `if (type${'of'} window === 'object') {}`)[0], /^1 .* which platform/);
  assert.match(said('test/a.test.ts', 'test.only("a", () => {});')[0], /^1 `test.only\(`/);
  assert.equal(said('src/a.ts', 'export function utilisation() {}'), []);
});

test.run();
