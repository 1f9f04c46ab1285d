// The browser that the set-up fetches: only the bytes that were tried are unpacked. The fetch itself is the set-up's.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fetchedChromium } from '../scripts/chromium.mjs';

const test = suite('fetch-chromium');
let folder: string;

/** Runs the script in a repository of its own, where `npm pack` is this shell script. */
function fetchWith(npm: string) {
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
  return spawnSync(process.execPath, ['scripts/fetch-chromium.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  });
}

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'ekphrasis-fetch-'));
  mkdirSync(join(folder, 'scripts'));
  writeFileSync(join(folder, 'package.json'), '{}');
  for (const name of ['chromium.mjs', 'fetch-chromium.mjs'])
    copyFileSync(join('scripts', name), join(folder, 'scripts', name));
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

const fetches = process.platform === 'linux' && process.arch === 'x64' ? test : test.skip;

fetches('an archive of other bytes is refused, and nothing of it stays', () => {
  const { status, stderr } = fetchWith('echo other > other.tgz');
  assert.is(status, 1);
  assert.match(stderr, `and ${fetchedChromium.integrity} was expected: not unpacked`);
  assert.equal(readdirSync(join(folder, '.cache')), []);
});

fetches('an npm that fails is reported in its words, and nothing stays', () => {
  const { status, stderr } = fetchWith('echo "npm error network unreachable" >&2; exit 1');
  assert.is(status, 1);
  assert.match(stderr, 'network unreachable');
  assert.equal(readdirSync(join(folder, '.cache')), []);
});

fetches('what is there already is not fetched again', () => {
  mkdirSync(join(folder, '.cache', `chromium-${fetchedChromium.version}`), { recursive: true });
  const { status, stderr } = fetchWith('touch asked');
  assert.is(status, 1);
  assert.match(stderr, 'remove that folder first');
  assert.not(readdirSync(folder).includes('asked'));
});

test.run();
