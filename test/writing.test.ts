// Files that cannot be written, and texts that a terminal would obey.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { printable } from '../src/captioner/cli/terminal.ts';
import { makeFolder, whyNotWritten, writeWhole } from '../src/captioner/cli/writing.ts';
import { EkphrasisError } from '../src/kernels/op/errors.ts';
import { errorOf } from './errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-writing-'));
const at = (name: string) => join(folder, name);
test.after(() => rmSync(folder, { recursive: true }));

test('a file is written whole, and what cannot be leaves nothing behind', async () => {
  await writeWhole(at('text'), 'old');
  await writeWhole(at('text'), [Uint8Array.of(110), Uint8Array.of(101, 119)]);
  assert.is(readFileSync(at('text'), 'utf8'), 'new');
  mkdirSync(at('folder'));
  writeFileSync(join(at('folder'), 'kept'), '');
  const before = readdirSync(folder);
  const refused: [name: string, message: RegExp][] = [
    ['folder', /folder cannot be written \(EISDIR|ENOTEMPTY\): a folder of that name is in the way/],
    ['nowhere/text', /cannot be written \(ENOENT\): the folder does not exist; make it first/],
    ['text/text', /cannot be written \(ENOTDIR\): what should be a folder on the way there is a file/],
    ['x'.repeat(300), /cannot be written \(ENAMETOOLONG\): the name is too long/],
  ];
  for (const [name, message] of refused) {
    const error = await errorOf(EkphrasisError, () => writeWhole(at(name), 'text'));
    assert.match(error.message, message);
  }
  assert.equal(readdirSync(folder), before);
  assert.ok(existsSync(join(at('folder'), 'kept')));
  const { message } = await errorOf(EkphrasisError, () => makeFolder(at('text/cache'), '--cache'));
  assert.match(message, /^--cache .*text\/cache cannot be made \(ENOTDIR\): what should be a folder/);
});

test('every reason says what to do', () => {
  const words = (code: string) => whyNotWritten(Object.assign(new Error(code), { code }));
  assert.match(words('ENOSPC'), /^\(ENOSPC\): the disk is full; free some space/);
  assert.match(words('EACCES'), /^\(EACCES\): you have no right to write there; mend the permissions/);
  assert.match(words('EEXIST'), /^\(EEXIST\): a file of that name is in the way; remove it/);
  assert.match(words('EROFS'), /^\(EROFS\): that disk can only be read; name a place on another/);
  assert.match(words('EIO'), /^\(EIO\): mend permissions and free space/);
});

test('control characters are printed as what they are', () => {
  assert.is(
    printable('a\u001b[31mred\u0007\n\u009b2J\u202e'),
    'a\\u001b[31mred\\u0007\\u000a\\u009b2J\\u202e',
  );
  assert.is(printable('Straße 犬 😀 a|b'), 'Straße 犬 😀 a|b');
});

test.run();
