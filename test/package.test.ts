// What package.json promises: commands that start by their names, a library, a lock file that every platform installs from.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const { bin, exports, version } = JSON.parse(readFileSync('package.json', 'utf8'));

test('the command can be started by its name', () => {
  for (const path of Object.values<string>(bin)) {
    const { status, stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    assert.is(error, undefined, path);
    assert.equal({ status, stdout }, { status: 0, stdout: `ekphrasis ${version}\n` }, path);
  }
  assert.equal(Object.keys(bin), ['ekphrasis']);
});

test('the library and its parts are there for Node, for browsers and for TypeScript', () => {
  const parts = Object.values<string | Record<string, string>>(exports).filter(
    (entry) => typeof entry !== 'string',
  );
  for (const path of parts.flatMap((entry) => Object.values(entry))) assert.ok(existsSync(path), path);
  assert.ok(parts.length >= 6);
});

test('importing the library in Node adds no global, and the process ends', () => {
  const program = `
    const before = new Set(Reflect.ownKeys(globalThis));
    const { requestDevice } = await import(process.argv[1]);
    const added = Reflect.ownKeys(globalThis).filter((key) => !before.has(key)).map(String);
    console.log(JSON.stringify({ added, found: typeof requestDevice }));`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program, resolve(exports['.'].default)],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  assert.is(status, 0, stderr);
  assert.equal(JSON.parse(stdout), { added: [], found: 'function' });
});

test('the one file for pages imports nothing', () => {
  const bundle = readFileSync('dist/ekphrasis.min.js', 'utf8');
  assert.not.match(bundle, /^\s*(import|export)\b[^;]*\bfrom\s*["']/m);
  assert.not.match(bundle, /\bimport\(\s*["']/);
  assert.match(bundle, /export\{/);
});

// npm leaves out what its registry happens to lack when the file is written; `npm ci` then refuses the file elsewhere.
test('the lock file names the packages of every platform', () => {
  type Entry = { optionalDependencies?: Record<string, string>; version: string };
  const { packages }: { packages: Record<string, Entry> } = JSON.parse(
    readFileSync('package-lock.json', 'utf8'),
  );
  let count = 0;
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, wanted] of Object.entries(optionalDependencies)) {
      count++;
      assert.is(packages[`node_modules/${name}`]?.version, wanted, `${name} of ${path}`);
    }
  }
  assert.ok(count > 0);
});

test.run();
