import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCaptionerConfig } from '../src/captioner/config.ts';
import { readSafetensors } from '../src/nn/formats/safetensors.ts';
import { encodeWeight } from '../src/nn/formats/weights.ts';
import type { SeedCaptioner } from './keras-fixtures.ts';
import { writeSeedCaptioner } from './keras-fixtures.ts';
import { kerasInception, randomInception } from './keras-inception.ts';

const command = resolve('dist/convert.js');
const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-convert-cli-'));
const at = (...parts: string[]) => join(folder, ...parts);
let seed: SeedCaptioner;
test.before(async () => {
  seed = await writeSeedCaptioner(folder, { version: 2, firstCounter: 0 });
});
test.after(() => rmSync(folder, { recursive: true }));

function convert(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
  assert.not.match(stderr, /\n\s+at /, 'a stack trace reached the user');
  return { status, stdout, stderr };
}

/** Fails with this code, and with one line that says this. */
function refused(code: number, message: RegExp, ...args: string[]): void {
  const { status, stdout, stderr } = convert(...args);
  assert.match(stderr, message);
  assert.match(stderr, /^convert: [^\n]*\n$/);
  assert.is(stdout, '');
  assert.is(status, code);
}

const captioner = (out: string) => [
  ...['--encoder', seed.encoder, '--decoder', seed.decoder],
  ...['--tokenizer', seed.tokenizer, '--out', out],
];

test('--help and --version answer on standard output', () => {
  const help = convert('--help');
  assert.is(help.status, 0);
  for (const flag of [
    '--encoder',
    '--inception',
    '--out',
    '--quantise',
    '--recurrent-activation',
    '--force',
  ]) {
    assert.ok(help.stdout.includes(flag), flag);
  }
  const version = convert('--version');
  assert.is(version.status, 0);
  assert.match(version.stdout, /^ekphrasis \d+\.\d+\.\d+\n$/);
});

test('wrong usage exits with 2', () => {
  refused(2, /--out.* is missing/);
  refused(2, /--out.* is missing/, '--inception', 'a.h5');
  refused(2, /together, or --inception alone/, '--out', 'x');
  refused(2, /together, or --inception alone/, '--encoder', 'a', '--decoder', 'b', '--out', 'x');
  refused(2, /together, or --inception alone/, '--inception', 'a', ...captioner('x'));
  refused(
    2,
    /--quantise takes float16, uint16, uint8/,
    '--inception',
    'a',
    '--out',
    'b',
    '--quantise',
    'int4',
  );
  refused(2, /--recurrent-activation takes/, ...captioner('x'), '--recurrent-activation', 'relu');
  refused(2, /InceptionV3 has none/, '--inception', 'a', '--out', 'b', '--recurrent-activation', 'sigmoid');
  refused(2, /"stray" has none/, 'stray', ...captioner('x'));
  refused(2, /--frobnicate/, '--frobnicate');
});

test('a captioner becomes a folder, whole, and is not replaced without --force', () => {
  const out = at('new', 'folder');
  const done = convert(...captioner(out));
  assert.is(done.status, 0, done.stderr);
  assert.match(done.stderr, /with attention, LSTM 6, vocabulary 20/);
  const names = ['config.json', 'decoder.safetensors', 'encoder.safetensors', 'tokenizer.json'];
  assert.equal(readdirSync(out).sort(), names);
  const config = parseCaptionerConfig(readFileSync(join(out, 'config.json'), 'utf8'), 'config.json');
  assert.equal(config.decoder.attention, { units: 7 });
  const decoder = readSafetensors(
    readFileSync(join(out, 'decoder.safetensors')),
    'decoder.safetensors',
  ).weights;
  assert.equal(decoder.get('lstm.kernel')?.data, seed.weights.get('lstm.kernel')?.data);

  const before = readFileSync(join(out, 'config.json'));
  refused(1, /encoder\.safetensors exists already.*--force/, ...captioner(out));
  assert.equal(readFileSync(join(out, 'config.json')), before);
  writeFileSync(join(out, 'notes.txt'), 'mine');
  const forced = convert(...captioner(out), '--force', '--quantise', 'float16');
  assert.is(forced.status, 0, forced.stderr);
  assert.equal(readdirSync(out).sort(), [...names, 'notes.txt'].sort());
  const smaller = readSafetensors(
    readFileSync(join(out, 'decoder.safetensors')),
    'decoder.safetensors',
  ).weights;
  assert.is(smaller.get('lstm.kernel')?.encoded?.type, 'float16');
});

test('an InceptionV3 becomes one file, from HDF5 and from a quantised layers-model', () => {
  const fromKeras = convert('--inception', seed.encoder, '--out', at('keras', 'encoder.safetensors'));
  assert.is(fromKeras.status, 0, fromKeras.stderr);
  assert.match(fromKeras.stderr, /left out: encoding_layer\/kernel, encoding_layer\/bias/);
  const weights = kerasInception().map(({ path, shape, data }) => {
    const weight = encodeWeight({ name: path.replace(/:0$/, ''), shape, data }, 'uint8');
    if (weight.encoded?.type !== 'uint8') throw new Error('not quantised');
    return { name: weight.name, shape, ...weight.encoded };
  });
  const bytes = Buffer.concat(weights.map(({ values }) => values));
  mkdirSync(at('tfjs'));
  writeFileSync(at('tfjs', 'group1-shard1of2.bin'), bytes.subarray(0, 4_000_001));
  writeFileSync(at('tfjs', 'group1-shard2of2.bin'), bytes.subarray(4_000_001));
  const manifest = weights.map(({ name, shape, scale, minimum }) => ({
    name,
    shape,
    dtype: 'float32',
    quantization: { dtype: 'uint8', scale, min: minimum },
  }));
  const group = { paths: ['group1-shard1of2.bin', 'group1-shard2of2.bin'], weights: manifest };
  writeFileSync(
    at('tfjs', 'model.json'),
    JSON.stringify({ format: 'layers-model', weightsManifest: [group] }),
  );
  const fromTfjs = convert(
    '--inception',
    at('tfjs', 'model.json'),
    '--out',
    at('tfjs', 'encoder.safetensors'),
  );
  assert.is(fromTfjs.status, 0, fromTfjs.stderr);

  const read = (...path: string[]) => readSafetensors(readFileSync(at(...path)), path.join('/')).weights;
  const [exact, quantised] = [read('keras', 'encoder.safetensors'), read('tfjs', 'encoder.safetensors')];
  assert.is(exact.size, 4 * 94);
  assert.is(quantised.size, 4 * 94);
  for (const name of ['conv2d_1.kernel', 'conv2d_94.kernel', 'batch_normalization_40.moving_variance']) {
    const written = randomInception().get(name);
    assert.ok(written);
    assert.equal(exact.get(name)?.data, written.data);
    const expected = encodeWeight({ name, ...written }, 'uint8').encoded;
    assert.equal(quantised.get(name)?.encoded, expected);
  }
});

test('files that cannot be read or converted exit with 1, in one line that names them', () => {
  const inception = (path: string, out = at('x.safetensors')) => ['--inception', path, '--out', out];
  writeFileSync(at('text.txt'), 'hello');
  writeFileSync(at('broken.json'), '{"format":');
  writeFileSync(at('graph.json'), '{"format":"graph-model"}');
  writeFileSync(at('outside.json'), '{"weightsManifest":[{"paths":["../up.bin"],"weights":[]}]}');
  writeFileSync(at('lone.json'), '{"weightsManifest":[{"paths":["gone.bin"],"weights":[]}]}');
  writeFileSync(at('cut.h5'), readFileSync(seed.encoder).subarray(0, 100_000));
  refused(1, /gone\.h5 does not exist/, ...inception(at('gone.h5')));
  refused(1, /text\.txt is neither HDF5 nor JSON/, ...inception(at('text.txt')));
  refused(1, /broken\.json is not valid JSON/, ...inception(at('broken.json')));
  refused(1, /graph\.json is a tfjs graph-model/, ...inception(at('graph.json')));
  refused(1, /outside\.json.*must lie beside or below/, ...inception(at('outside.json')));
  refused(1, /gone\.bin does not exist/, ...inception(at('lone.json')));
  refused(1, /cut\.h5/, ...inception(at('cut.h5')));
  refused(1, /Decoder\.hdf5 has 0 convolutions/, ...inception(seed.decoder));
  refused(1, /is a folder/, ...inception(folder));
  refused(1, /is a folder/, ...inception(seed.decoder, folder), '--force');
  const swapped = ['--encoder', seed.decoder, '--decoder', seed.encoder, '--tokenizer', seed.tokenizer];
  refused(1, /Decoder\.hdf5 has 0 convolutions/, ...swapped, '--out', at('y'));
  const evil = ['--encoder', seed.encoder, '--decoder', seed.decoder, '--tokenizer', at('text.txt')];
  refused(1, /[Tt]okenizer pickle/, ...evil, '--out', at('y'));
  assert.not.ok(
    readdirSync(folder).some((name) => name === 'y' || name === 'x.safetensors' || name.endsWith('.tmp')),
  );
});

test('a place that cannot be written to exits with 1 and leaves nothing behind', () => {
  writeFileSync(at('file'), '');
  refused(
    1,
    /file cannot be written to \((EEXIST|ENOTDIR)\)/,
    '--inception',
    seed.encoder,
    '--out',
    at('file', 'x'),
  );
});

test.run();
