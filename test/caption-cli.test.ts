import { type SpawnSyncOptions, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PNG } from 'pngjs';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import { numberFlag, readArguments, UsageError } from '../src/captioner/cli/arguments.ts';
import type { Session } from '../src/captioner/cli/caption-images.ts';
import { folderSource } from '../src/captioner/cli/files.ts';
import { findImages } from '../src/captioner/cli/inputs.ts';
import { DeviceLostError, FormatError, ImageError } from '../src/kernels/op/errors.ts';
import { captionWith, input, session } from './caption-session.ts';

const COMMAND = resolve('dist/caption.js');
const PHOTOGRAPHS = join('test', 'images');
const PHOTOGRAPH = join(PHOTOGRAPHS, 'photographer.jpg');

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-caption-'));
/** Passes for a model until it is opened, so broken images are reported without one. */
const HOLLOW_MODEL = join(folder, 'hollow');

test.before(() => {
  mkdirSync(HOLLOW_MODEL);
  writeFileSync(join(HOLLOW_MODEL, 'config.json'), '{}');
  const image = PNG.sync.write(new PNG({ width: 4, height: 3 }));
  for (const name of ['a.png', 'b.PNG', 'c [1].png', '.hidden.png']) writeFileSync(join(folder, name), image);
  writeFileSync(join(folder, 'notes.txt'), 'a man on a horse\n');
  writeFileSync(join(folder, 'empty.jpg'), '');
  writeFileSync(join(folder, 'cut.jpg'), readFileSync(PHOTOGRAPH).subarray(0, 5000));
  mkdirSync(join(folder, 'bare'));
  symlinkSync('loop.png', join(folder, 'loop.png'));
});

test.after(() => rmSync(folder, { recursive: true }));

function run(args: string[], options: SpawnSyncOptions = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    timeout: 120_000,
    ...options,
    encoding: 'utf8',
  });
  assert.is(signal, null, `ended by ${signal}: ${stderr}`);
  assert.not.match(String(stderr), /^\s+at /m, 'no stack trace');
  return { status, stdout: String(stdout), stderr: String(stderr) };
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

test('--help and --version go to standard output and exit with 0', () => {
  const help = run(['--help']);
  assert.is(help.status, 0);
  for (const flag of [
    '--model',
    '--device',
    '--threads',
    '--beam',
    '--top',
    '--attention',
    '--json',
    '--verbose',
    '--profile',
    '--tune',
    '--version',
  ])
    assert.match(help.stdout, flag);
  assert.is(help.stderr, '');
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.equal(run(['--version']), { status: 0, stdout: `ekphrasis ${version}\n`, stderr: '' });
});

const MISTAKES: [args: string[], named: string][] = [
  [[], 'no image given'],
  [['--frobnicate', 'x.jpg'], '--frobnicate'],
  [['--beam', '0', 'x.jpg'], '--beam takes a whole number from 1 to 100, and "0" is not'],
  [['--beam', 'three', 'x.jpg'], '"three"'],
  [['--beam', '2.5', 'x.jpg'], '"2.5"'],
  [['--beam'], '--beam'],
  [['--top', '0', 'x.jpg'], '--top takes a whole number from 1 to 100, and "0" is not'],
  [['--top', '101', 'x.jpg'], '--top takes a whole number from 1 to 100, and "101" is not'],
  [['--attention', 'no/such/folder/x.html', 'x.jpg'], 'the folder no/such/folder does not exist'],
  [['--attention', 'src', 'x.jpg'], '--attention src is a folder'],
  [['--device', 'tpu', 'x.jpg'], '--device takes auto, webgpu, cpu, and "tpu" is none of them'],
  [['--threads', 'two', 'x.jpg'], '--threads takes a whole number from 1 to 256, and "two" is not'],
  [['--json=yes', 'x.jpg'], '--json'],
  [['--model', 'no/such/folder', 'x.jpg'], '--model no/such/folder does not exist'],
  [['--model', PHOTOGRAPHS, 'x.jpg'], 'has no config.json'],
];

for (const [args, named] of MISTAKES) {
  test(`caption ${args.join(' ')} is a mistake: exit 2 and one line`, () => {
    const { status, stdout, stderr } = run(args);
    assert.is(status, 2);
    assert.is(stdout, '');
    assert.is(lines(stderr).length, 1, stderr);
    assert.ok(stderr.startsWith('caption: ') && stderr.includes(named), stderr);
  });
}

test('every image that cannot be had costs one line, and the exit code is 1', () => {
  const missing: [path: string, reason: string][] = [
    ['nothing.jpg', 'does not exist'],
    ['notes.txt', 'is a text file'],
    ['empty.jpg', 'is empty'],
    ['cut.jpg', 'is a truncated JPEG'],
    ['bare', 'is a folder without JPEG or PNG files'],
    ['loop.png', 'is a loop of symbolic links'],
    ['*.webp', 'matches no file'],
    ['/dev/zero', 'is a device'],
  ];
  const args = ['--model', HOLLOW_MODEL, ...missing.map(([path]) => path)];
  const plain = run(args, { cwd: folder });
  assert.is(plain.status, 1);
  assert.is(plain.stdout, '');
  const said = lines(plain.stderr);
  assert.is(said.length, missing.length, plain.stderr);
  missing.forEach(([path, reason], i) => {
    assert.ok(said[i].startsWith(`caption: ${path} ${reason}`), said[i]);
  });
  const json = run([...args, '--json'], { cwd: folder });
  assert.is(json.status, 1);
  assert.is(json.stderr, plain.stderr);
  const results: { path: string; error: string }[] = JSON.parse(json.stdout);
  assert.equal(
    results.map(({ path }) => path),
    missing.map(([path]) => path),
  );
  assert.equal(
    results.map(({ error }) => `caption: ${error}`),
    said,
  );
});

test('rubbish on standard input is named so', () => {
  const { status, stderr } = run(['--model', HOLLOW_MODEL, '-'], { input: 'GIF89a' });
  assert.is(status, 1);
  assert.is(
    stderr,
    'caption: standard input is a GIF image; only JPEG and PNG images are read. Convert it to one of them first.\n',
  );
});

test('a model that cannot be loaded exits with 2 and prints no half-made result', () => {
  const { status, stdout, stderr } = run([
    '--model',
    HOLLOW_MODEL,
    '--json',
    '--device',
    'cpu',
    'nothing.jpg',
    PHOTOGRAPH,
  ]);
  assert.is(status, 2);
  assert.is(stdout, '');
  assert.is(lines(stderr).length, 2, stderr);
});

test('arguments become images: folders, globs, names with brackets, each once', async () => {
  const at = (name: string) => join(folder, name);
  const paths = async (...args: string[]) => (await findImages(args)).map(({ path }) => path);
  const all = ['a.png', 'b.PNG', 'c [1].png', 'cut.jpg', 'empty.jpg', 'loop.png'].map(at);
  assert.equal(await paths(folder), all);
  assert.equal(await paths(at('*.png')), ['a.png', 'c [1].png'].map(at));
  assert.equal(await paths(at('{b,a}.*'), at('c [1].png')), ['a.png', 'b.PNG', 'c [1].png'].map(at));
  assert.equal(await paths(at('b.PNG'), folder, '-', '-'), [
    at('b.PNG'),
    ...all.filter((path) => path !== at('b.PNG')),
    '-',
  ]);
});

test('a model folder gives its own files only', async () => {
  const source = folderSource(HOLLOW_MODEL);
  assert.is(new TextDecoder().decode(await source('config.json')), '{}');
  for (const name of ['../notes.txt', '/etc/hostname', 'a/../../notes.txt', 'absent.safetensors']) {
    const error = await source(name).then(
      () => undefined,
      (reason) => reason,
    );
    assert.instance(error, FormatError, name);
  }
});

test('numbers and flags are read strictly', () => {
  assert.is(numberFlag('--rate', '1e-3', { least: 0, most: 1, fraction: true }), 0.001);
  assert.is(numberFlag('--beam', '100', { least: 1, most: 100 }), 100);
  for (const text of ['', ' ', '0x10', '1e', 'Infinity', '101', '-1', '1.5']) {
    assert.throws(
      () => numberFlag('--beam', text, { least: 1, most: 100 }),
      (error: Error) => error instanceof UsageError,
    );
  }
  assert.throws(
    () => readArguments(['--nope'], { yes: { type: 'boolean' } }),
    (error: Error) => error instanceof UsageError,
  );
});

test('one image prints its caption alone, several print their paths', async () => {
  const one = session();
  assert.equal(await captionWith([input('a')], async () => one), {
    code: 0,
    printed: ['4 by 3, beam 3'],
    said: [],
  });
  assert.is(one.closed, 1);
  const several = await captionWith(
    [input('a'), input('b', new Uint8Array(0)), input('c')],
    async () => session(),
    { beam: 1 },
  );
  assert.is(several.code, 1);
  assert.equal(several.printed, ['a: 4 by 3, beam 1', 'c: 4 by 3, beam 1']);
  assert.is(several.said.length, 1);
});

test('--json prints one array with captions and errors in their order', async () => {
  const { code, printed } = await captionWith(
    [input('a', new Uint8Array(0)), input('b')],
    async () => session(),
    { json: true },
  );
  assert.is(code, 1);
  assert.is(printed.length, 1);
  const [failed, captioned] = JSON.parse(printed[0]);
  assert.equal(Object.keys(failed), ['path', 'error']);
  assert.equal(
    { ...captioned, milliseconds: 0 },
    {
      path: 'b',
      caption: '4 by 3, beam 3',
      score: -2.5,
      meanLogProbability: -1.25,
      unsure: false,
      device: 'cpu',
      milliseconds: 0,
    },
  );
  assert.type(captioned.milliseconds, 'number');
});

test('a lost device is opened once more; a second loss fails the image and the rest goes on', async () => {
  let opened = 0;
  const open = (losses: number) => async () => {
    opened += 1;
    if (opened > losses) return session();
    return session(() => Promise.reject(new DeviceLostError('the device was lost')));
  };
  assert.equal((await captionWith([input('a')], open(1))).printed, ['4 by 3, beam 3']);
  assert.is(opened, 2);
  opened = 0;
  const { code, printed, said } = await captionWith([input('a'), input('b')], open(2));
  assert.is(code, 1);
  assert.equal(printed, ['b: 4 by 3, beam 3']);
  assert.equal(said, ['a could not be captioned: the device was lost']);
});

test('a session that cannot be opened ends the run at once', async () => {
  let opened = 0;
  const open = async (): Promise<Session> => {
    opened += 1;
    throw new FormatError('config.json lacks "decoder"');
  };
  const error = await captionWith([input('a'), input('b')], open).then(
    () => undefined,
    (reason) => reason,
  );
  assert.instance(error, UsageError);
  assert.is(opened, 1);
});

test('a failing read is reported in its place and the session is not opened for it', async () => {
  const broken = { ...input('a'), read: () => Promise.reject(new ImageError('a does not exist.')) };
  const open = () => Promise.reject(new Error('opened'));
  assert.equal(await captionWith([broken], open), { code: 1, printed: [], said: ['a does not exist.'] });
});

test.run();

const shipped = suite('the shipped model');

shipped('one photograph prints one sentence and nothing else', () => {
  const { status, stdout, stderr } = run([PHOTOGRAPH]);
  assert.is(status, 0, stderr);
  assert.match(stdout, /^\S+( \S+)+\n$/);
  assert.is(stderr, '');
});

shipped('every way to name a photograph gives the same caption', () => {
  const alone = run([PHOTOGRAPH, '--device', 'cpu']).stdout.trim();
  assert.is(run(['-', '--device', 'cpu'], { input: readFileSync(PHOTOGRAPH) }).stdout.trim(), alone);
  assert.is(run([join(PHOTOGRAPHS, 'photo*.jpg'), '--device', 'cpu']).stdout.trim(), alone);
  const all = run([PHOTOGRAPHS, '--device', 'cpu']);
  assert.is(all.status, 0, all.stderr);
  assert.is(lines(all.stdout).length, 5);
  assert.ok(lines(all.stdout).includes(`${PHOTOGRAPH}: ${alone}`), all.stdout);
});

shipped('a broken file among good ones is reported and the rest captioned', () => {
  const json = run(['--json', '--device', 'cpu', 'package.json', PHOTOGRAPH]);
  assert.is(json.status, 1);
  assert.is(lines(json.stderr).length, 1, json.stderr);
  const [broken, good] = JSON.parse(json.stdout);
  assert.match(broken.error, 'package.json is a text file');
  assert.is(good.path, PHOTOGRAPH);
  assert.is(good.device, 'cpu');
  assert.ok(good.score < 0 && good.milliseconds > 0, JSON.stringify(good));
});

shipped('pictures in odd encodings are captioned', () => {
  const odd = run([
    '--device',
    'cpu',
    '--threads',
    '2',
    '--beam',
    '1',
    'test/images/odd/{cmyk,grey}.jpg',
    'test/images/odd/{palette2,rgb16}.png',
  ]);
  assert.is(odd.status, 0, odd.stderr);
  assert.is(lines(odd.stdout).length, 4);
});

shipped('--verbose tells device and times on standard error', () => {
  const { stdout, stderr } = run(['--verbose', '--beam', '1', '--device', 'cpu', PHOTOGRAPH]);
  assert.is(lines(stdout).length, 1);
  assert.match(stderr, /^caption: device: .*cpu/im);
  assert.match(stderr, /captioned in \d+ ms/);
});

shipped('a reader that goes away ends the command quietly', async () => {
  const child = spawn(process.execPath, [COMMAND, '--device', 'cpu', PHOTOGRAPHS], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (part) => {
    stderr += part;
  });
  child.stdout.destroy();
  const code = await new Promise((done) => child.on('close', done));
  assert.is(stderr, '');
  assert.is(code, 0);
});

shipped.run();
