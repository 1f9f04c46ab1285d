// @minutes 4
// The package as npm would send it: packed, unpacked into an empty project, and used there in the ways that people have.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('packed');
const root = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-packed-'));
const project = join(folder, 'project');
const installed = join(project, 'node_modules/ekphrasis');
const { exports, dependencies, version } = JSON.parse(readFileSync('package.json', 'utf8'));
const parts = [
  'ekphrasis',
  ...['engine', 'nn', 'captioner', 'images', 'formats', 'kernels'].map((part) => `ekphrasis/${part}`),
];

function run(program: string, parameters: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(program, parameters, { cwd: project, encoding: 'utf8', timeout: 120_000 });
}

function node(program: string): unknown {
  const { status, stdout, stderr } = run(process.execPath, ['--input-type=module', '--eval', program]);
  assert.is(status, 0, stderr);
  return JSON.parse(stdout);
}

/** Bytes that a page downloads for a module before it runs, packed by gzip: static imports, no `import()`. */
async function pageBytes(code: string): Promise<number> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: project },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    splitting: true,
    outdir: join(folder, 'page'),
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const bytes = new Map(
    outputFiles.map(({ path, contents }) => [path, gzipSync(contents, { level: 9 }).length]),
  );
  const needed = new Set<string>();
  const add = (path: string) => {
    if (needed.has(path)) return;
    needed.add(path);
    for (const { path: next, kind } of metafile.outputs[path].imports)
      if (kind === 'import-statement') add(next);
  };
  add(
    Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint === '<stdin>') as string,
  );
  return [...needed].reduce((sum, path) => sum + (bytes.get(resolve(path)) as number), 0);
}

test.before(() => {
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    encoding: 'utf8',
  });
  assert.is(packed.status, 0, packed.stderr);
  const [archive] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const unpacked = spawnSync('tar', ['-xzf', archive], { cwd: folder, encoding: 'utf8' });
  assert.is(unpacked.status, 0, unpacked.stderr);
  cpSync(join(folder, 'package'), installed, { recursive: true });
  // What npm would install beside it, but for the optional webgpu.
  for (const name of Object.keys(dependencies)) {
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
  }
  // A package without its file is as missing as none, and hides any that lies above the temporary folder.
  mkdirSync(join(project, 'node_modules/webgpu'));
  writeFileSync(join(project, 'node_modules/webgpu/package.json'), JSON.stringify({ main: 'absent.js' }));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test('publint finds nothing to say', async () => {
  const { publint } = await import('publint');
  const { messages } = await publint({ pkgDir: installed, pack: false, strict: true });
  assert.equal(messages, []);
});

test('its types resolve from ESM and by bundlers', () => {
  const [archive] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const command = join(root, 'node_modules/.bin/attw');
  const { status, stdout } = run(command, [
    '--profile',
    'esm-only',
    '--format',
    'ascii',
    join(folder, archive),
  ]);
  assert.is(status, 0, stdout);
});

test('every part can be imported in Node, and is the same as in the whole', () => {
  const program = `
    const whole = await import('ekphrasis');
    const parts = await Promise.all(${JSON.stringify(parts)}.map((part) => import(part)));
    const names = parts.map((part) => Object.keys(part));
    const same = parts.every((part) => Object.keys(part).every((name) => part[name] === whole[name]));
    console.log(JSON.stringify({ names, same }));`;
  const { names, same } = node(program) as { names: string[][]; same: boolean };
  assert.ok(same);
  for (const [index, some] of names.entries()) assert.ok(some.length > 0, parts[index]);
  const [whole, ...others] = names;
  assert.equal([...new Set(others.flat())].sort(), whole.sort());
});

test('a page gets the same names as Node', async () => {
  for (const [path, entry] of Object.entries<Record<string, string>>(exports)) {
    if (!entry.browser) continue;
    const inBrowser = readFileSync(join(installed, entry.browser), 'utf8');
    const inNode = readFileSync(join(installed, entry.default), 'utf8');
    const names = (code: string) => {
      const list = /export \{([^}]*)\}/.exec(code)?.[1] ?? '';
      return list
        .split(',')
        .map((name) => name.trim().split(' as ').at(-1))
        .sort();
    };
    assert.equal(names(inBrowser), names(inNode), path);
    assert.ok(names(inNode).length > 0, path);
  }
});

test('importing costs a page what the README says at most', async () => {
  const kilobytes = async (code: string, most: number) => {
    const bytes = await pageBytes(code);
    console.log(`\n  ${(bytes / 1000).toFixed(1)} kB gzip: ${code}`);
    assert.ok(bytes > 1_000 && bytes <= most * 1000, `${code}: ${bytes} bytes, at most ${most} kB wanted`);
  };
  await kilobytes("export { Tensor } from 'ekphrasis';", 80);
  await kilobytes("export { requestDevice, Tensor } from 'ekphrasis/engine';", 80);
  const captioner = "export { Captioner, urlSource } from 'ekphrasis/captioner'";
  await kilobytes(`${captioner}; export { requestDevice } from 'ekphrasis/engine';`, 110);
  await kilobytes("export { CaptionerWorker } from 'ekphrasis/worker';", 5);
});

test('it runs from a bundle for Node, as an ES module and as CommonJS', async () => {
  const code = `import { requestDevice, Tensor } from 'ekphrasis';
    (async () => {
      const device = await requestDevice({ prefer: 'cpu', threads: 1 });
      console.log(JSON.stringify([...(await Tensor.from(device, [1, 2]).add(Tensor.from(device, [3, 4])).data())]));
      device.destroy();
    })();`;
  for (const [format, file] of [
    ['esm', 'bundle.mjs'],
    ['cjs', 'bundle.cjs'],
  ] as const) {
    await build({
      stdin: { contents: code, resolveDir: project },
      bundle: true,
      format,
      platform: 'node',
      external: ['webgpu'],
      outfile: join(project, file),
      logLevel: 'silent',
    });
    const { status, stdout, stderr } = run(process.execPath, [file]);
    assert.is(status, 0, `${format}: ${stderr}`);
    assert.is(stdout, '[4,6]\n');
  }
});

test('TypeScript knows it under every resolution that finds ES modules', () => {
  writeFileSync(
    join(project, 'use.ts'),
    `import { Captioner, requestDevice, type Device, Tensor } from 'ekphrasis';
import { valueAndGradients } from 'ekphrasis/engine';
import { Dense } from 'ekphrasis/nn';
import { readKerasHdf5 } from 'ekphrasis/formats';
import { opTable } from 'ekphrasis/kernels';
import type { Caption } from 'ekphrasis/captioner';
const device: Device = await requestDevice({ prefer: 'cpu' });
export const sum: number = await Tensor.from(device, [1, 2]).sum().item();
export const load: (files: (name: string) => Promise<Uint8Array>) => Promise<Captioner> = (files) =>
  Captioner.load(files, device);
export const text = ({ caption }: Caption): string => caption;
export const others: readonly unknown[] = [valueAndGradients, Dense, readKerasHdf5, opTable.softmax.summary];
`,
  );
  writeFileSync(join(project, 'misuse.ts'), "import { Tensor } from 'ekphrasis';\nTensor.from(3, [1, 2]);\n");
  for (const [module, resolution] of [
    ['esnext', 'bundler'],
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
  ]) {
    const compile = (file: string) =>
      run(join(root, 'node_modules/.bin/tsc'), [
        ...['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023,dom', '--types', ''],
        ...['--module', module, '--moduleResolution', resolution, file],
      ]);
    const { status, stdout } = compile('use.ts');
    assert.is(status, 0, `${resolution}: ${stdout}`);
    assert.match(compile('misuse.ts').stdout, /^misuse\.ts\(2,13\): error TS2345/, resolution);
  }
});

test('without the optional webgpu it takes the CPU device, and says what is missing where WebGPU is asked for', () => {
  const program = `
    import { requestDevice } from 'ekphrasis/engine';
    const { kind } = await requestDevice({ threads: 1 });
    const message = await requestDevice({ prefer: 'webgpu' }).catch((error) => error.message);
    console.log(JSON.stringify({ kind, message }));`;
  const { kind, message } = node(program) as { kind: string; message: string };
  assert.is(kind, 'cpu');
  assert.match(message, /npm package webgpu \(Dawn\) is not installed.*npm install webgpu/);
});

test("the browsers' build outside of a browser says so, and its CPU device works", () => {
  const program = `
    delete globalThis.navigator;
    const { requestDevice } = await import(${JSON.stringify(join(installed, exports['./engine'].browser))});
    const message = await requestDevice({ prefer: 'webgpu' }).catch((error) => error.message);
    const { description } = await requestDevice();
    console.log(JSON.stringify({ message, description }));`;
  const { message, description } = node(program) as { message: string; description: string };
  assert.match(message, /build for browsers, and here is none; outside of one import 'ekphrasis'/);
  assert.match(description, /^CPU, .*one thread/);
});

test('its command captions a photograph with the model that comes along', () => {
  const command = join(installed, 'dist/cli.js');
  const { status, stdout, stderr } = run(process.execPath, [
    command,
    'caption',
    '--device',
    'cpu',
    join(root, 'test/images/cat.jpg'),
  ]);
  assert.is(status, 0, stderr);
  assert.match(stdout, /^(not sure: )?[a-z ]+\n$/);
  assert.is(run(process.execPath, [command, '--version']).stdout, `ekphrasis ${version}\n`);
  const wrong = run(process.execPath, [command, 'captoin']);
  assert.is(wrong.status, 2);
  assert.match(wrong.stderr, /"captoin" is no command; give one of caption, convert, train, evaluate/);
});

test.run();
