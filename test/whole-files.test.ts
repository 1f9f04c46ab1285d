// Files are written whole or not at all, and what fails leaves nothing behind.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { copyWhole, writeWhole } from '../src/captioner/cli/writing.ts';
import { EkphrasisError } from '../src/kernels/op/errors.ts';
import { readSafetensors } from '../src/nn/formats/safetensors.ts';
import { errorOf } from './errors.ts';
import { writeTinyCaptioner } from './tiny-captioner.ts';

const files = suite('whole-files');
let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

files.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'ekphrasis-whole-'));
});

files.after.each(() => rmSync(folder, { recursive: true, force: true }));

files('a file is replaced by text, by bytes and by a copy', async () => {
  await writeWhole(at('one'), 'text');
  assert.is(readFileSync(at('one'), 'utf8'), 'text');
  await writeWhole(at('one'), Uint8Array.of(1, 2, 3));
  await copyWhole(at('one'), at('two'));
  assert.equal([...readFileSync(at('two'))], [1, 2, 3]);
  assert.equal(readdirSync(folder), ['one', 'two']);
});

files('what cannot be written is an error with the name, and leaves nothing', async () => {
  mkdirSync(at('taken', 'inside'), { recursive: true });
  for (const write of [
    () => writeWhole(at('taken'), 'text'),
    () => copyWhole(at('nowhere'), at('new')),
    () => writeWhole(at('no', 'folder'), 'text'),
  ]) {
    const { message } = await errorOf(EkphrasisError, write);
    assert.match(message, /(taken|new|folder) cannot be written \((EISDIR|ENOTEMPTY|ENOENT|EEXIST)\)/);
  }
  assert.equal(readdirSync(folder), ['taken']);
});

files('an average is written into a locked folder, and over a model only by force', async () => {
  for (const name of ['one', 'two']) {
    mkdirSync(at(name));
    await writeTinyCaptioner(at(name), 'average');
  }
  const average = (...more: string[]) =>
    spawnSync(
      'node',
      ['dist/train.js', '--average', `${at('one')},${at('two')}`, '--out', at('mean'), ...more],
      { encoding: 'utf8' },
    );
  assert.is(average('--precision', 'float32').status, 0);
  const [mean, one] = ['mean', 'one'].map((name) =>
    readSafetensors(readFileSync(at(name, 'decoder.safetensors')), name).weights.get('projection.kernel'),
  );
  assert.equal(mean?.data, one?.data);
  const again = average();
  assert.is(again.status, 2);
  assert.match(again.stderr, /holds a model already.*--force/);
  writeFileSync(at('mean', 'train.lock'), JSON.stringify({ pid: process.pid, host: hostname() }));
  const locked = average('--force');
  assert.is(locked.status, 2);
  assert.match(locked.stderr, /trains into it/);
  rmSync(at('mean', 'train.lock'));
  const forced = average('--force');
  assert.is(forced.status, 0, forced.stderr);
  assert.equal(
    readdirSync(at('mean')).sort(),
    ['config.json', 'decoder.safetensors', 'encoder.safetensors', 'tokenizer.json', 'training.json'].sort(),
  );
});

files.run();
