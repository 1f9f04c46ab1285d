// What the caption command says beside a caption: how sure it is, what else there was, and where the words looked.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Session } from '../src/captioner/cli/caption-images.ts';
import { captionWith, input, session } from './caption-session.ts';
import { writeTinyCaptioner } from './tiny-captioner.ts';

const COMMAND = resolve('dist/caption.js');
const PHOTOGRAPH = join('test', 'images', 'photographer.jpg');
const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-confidence-'));
test.after(() => rmSync(folder, { recursive: true }));

function run(args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    timeout: 120_000,
    encoding: 'utf8',
  });
  assert.not.match(stderr, /^\s+at /m, 'no stack trace');
  return { status, stdout, stderr };
}

const doubtful: Session['caption'] = async (_, { top = 1 }) => ({
  caption: 'a cat on a table',
  tokens: [4, 5, 6, 4, 7, 3],
  logProbability: Math.log(0.25),
  meanLogProbability: -0.23,
  unsure: true,
  alternatives: [
    { caption: 'a dog', tokens: [4, 8, 3], logProbability: Math.log(0.0123), meanLogProbability: -1.466 },
    { caption: 'a', tokens: [4, 3], logProbability: -20, meanLogProbability: -10 },
  ].slice(0, top - 1),
  attention: null,
});

test('where the model is unsure it says so', async () => {
  const one = await captionWith([input('a')], async () => session(doubtful));
  assert.equal(one.printed, ['not sure: a cat on a table']);
  const two = await captionWith([input('a'), input('b')], async () => session(doubtful));
  assert.equal(two.printed, ['a: not sure: a cat on a table', 'b: not sure: a cat on a table']);
  const { printed } = await captionWith([input('a')], async () => session(doubtful), { json: true });
  const [{ caption, unsure }] = JSON.parse(printed[0]);
  assert.equal([caption, unsure], ['a cat on a table', true]);
});

test('--top lists the sentences below the path, each with its probability and its mean', async () => {
  const plain = await captionWith([input('a')], async () => session(doubtful), { top: 3 });
  assert.equal(plain.printed, [
    'a: not sure: a cat on a table',
    '        25 %   -0.23  a cat on a table',
    '       1.2 %   -1.47  a dog',
    '    2.1e-7 %  -10.00  a',
  ]);
  const { printed } = await captionWith([input('a')], async () => session(doubtful), { top: 2, json: true });
  const [{ probability, alternatives, ...rest }] = JSON.parse(printed[0]);
  assert.equal(probability, 0.25);
  assert.equal(alternatives, [
    {
      caption: 'a dog',
      probability: Math.exp(Math.log(0.0123)),
      score: Math.log(0.0123),
      meanLogProbability: -1.466,
    },
  ]);
  assert.equal(rest.caption, 'a cat on a table');
  assert.equal(
    (await captionWith([input('a')], async () => session(doubtful), { top: 1 })).printed.length,
    2,
  );
});

test('attention is asked for and given on for each image that was captioned', async () => {
  const asked: unknown[] = [];
  const shown: string[] = [];
  const open = async () =>
    session(async (image, options) => {
      asked.push(options.attention);
      return doubtful(image, options);
    });
  const showAttention = (name: string, { width }: { width: number }, { caption }: { caption: string }) =>
    void shown.push(`${name} ${width} ${caption}`);
  await captionWith([input('a'), input('b', new Uint8Array(0)), input('c')], open, { showAttention });
  assert.equal(asked, [true, true]);
  assert.equal(shown, ['a 4 a cat on a table', 'c 4 a cat on a table']);
  await captionWith([input('a')], open);
  assert.equal(asked[2], false);
});

test('a small model of random weights: threshold, alternatives and attention from the command line', async () => {
  const [model, blind] = [join(folder, 'tiny'), join(folder, 'tiny-average')];
  for (const path of [model, blind]) mkdirSync(path);
  await writeTinyCaptioner(model, 'attention');
  await writeTinyCaptioner(blind, 'average');
  const config = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8'));
  writeFileSync(join(model, 'config.json'), JSON.stringify({ ...config, unsureBelow: -0.001 }));
  const page = join(folder, 'attention.html');
  const base = ['--model', model, '--device', 'cpu'];
  const seen = run([...base, '--top', '4', '--json', '--attention', page, PHOTOGRAPH, 'package.json']);
  assert.is(seen.status, 1, 'package.json is no image');
  const [{ caption, unsure, score, meanLogProbability, alternatives }] = JSON.parse(seen.stdout);
  assert.is(unsure, true);
  assert.is(alternatives.length, 3);
  const words = caption.split(' ').length;
  const ended = words < config.decoder.maximumLength ? 1 : 0;
  assert.ok(Math.abs(meanLogProbability - score / (words + ended)) < 1e-9);
  const written = readFileSync(page, 'utf8');
  assert.is(written.match(/<section /g)?.length, 1);
  assert.is(written.match(/data-weights="/g)?.length, words);
  const { stdout } = run([...base, '--top', '4', PHOTOGRAPH]);
  const [first, ...listed] = stdout.trimEnd().split('\n');
  assert.is(first, `${PHOTOGRAPH}: not sure: ${caption}`);
  assert.ok(listed[0].endsWith(`  ${caption}`), listed[0]);
  assert.is(listed.length, 4);

  const none = join(folder, 'none.html');
  const refused = run(['--model', blind, '--device', 'cpu', '--attention', none, PHOTOGRAPH]);
  assert.equal([refused.status, refused.stdout], [2, '']);
  assert.match(refused.stderr, /^caption: --attention: the model \S+ has no attention.*\n$/);
  const nothing = run([...base, '--attention', none, 'package.json']);
  assert.is(nothing.status, 1);
  assert.match(nothing.stderr, /none\.html was not written: no image was captioned/);
  assert.not(existsSync(none));
});

test.run();
