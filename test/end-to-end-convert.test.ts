// From Keras's files of the original captioner to a sentence about a photograph, through the two commands.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeSeedCaptioner } from './keras-fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-end-to-end-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Runs a command until it ends by itself; returns what it printed. */
function run(name: string, ...args: string[]): string {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [resolve(name), ...args], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.is(signal, null, `ended by ${signal}: ${stderr}`);
  assert.is(status, 0, stderr);
  return stdout;
}

for (const version of [1, 2] as const) {
  test(`a captioner of version ${version}, converted, describes a photograph in its own words`, async () => {
    const keras = join(folder, `keras${version}`);
    const out = join(folder, `captioner${version}`);
    mkdirSync(keras);
    const seed = await writeSeedCaptioner(keras, { version, units: 24, embedding: 12, vocabulary: 40 });
    const files = ['--encoder', seed.encoder, '--decoder', seed.decoder, '--tokenizer', seed.tokenizer];
    run('dist/convert.js', ...files, '--out', out);
    rmSync(keras, { recursive: true });

    const describe = () =>
      run('dist/caption.js', '--model', out, '--device', 'cpu', 'test/images/photographer.jpg');
    const said = describe();
    const words = said.trim().split(' ');
    const vocabulary = seed.words.filter((word) => !word.startsWith('<'));
    for (const word of words) assert.ok(vocabulary.includes(word), `"${word}" of "${said}" is no word of it`);
    assert.is(describe(), said);
  });
}

test.run();
