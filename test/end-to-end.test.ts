// @adapters every: the shipped model as its users run it, on this run's adapter and on the CPU device.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adapter, webgpuTest } from './adapter.ts';

const photographs = ['photographer', 'cat'].map((name) => `test/images/${name}.jpg`);

interface Result {
  readonly path: string;
  readonly caption: string;
  readonly score: number;
  readonly device: string;
}

/** Runs the command until it ends by itself; returns what it printed. */
function caption(...args: string[]): string {
  const command = resolve('dist/caption.js');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    encoding: 'utf8',
    timeout: 240_000,
  });
  assert.is(signal, null, `ended by ${signal}: ${stderr}`);
  assert.is(status, 0, stderr);
  return stdout;
}

const results = (...args: string[]): Result[] => JSON.parse(caption('--json', ...args));

test('one photograph gives one sentence in words of the vocabulary, and nothing else on standard output', () => {
  const printed = caption(photographs[0]);
  assert.match(printed, /^[^\s<]+( [^\s<]+)+\n$/);
  const { words }: { words: string[] } = JSON.parse(readFileSync('models/flickr8k/tokenizer.json', 'utf8'));
  const known = new Set(words);
  const sentence = printed.trim().replace(/^not sure: /, '');
  for (const word of sentence.split(' ')) assert.ok(known.has(word), word);
});

test('the photographs have the captions that the model was shipped with', () => {
  const { captions }: { captions: Record<string, string> } = JSON.parse(
    readFileSync('test/golden/captions.json', 'utf8'),
  );
  const said = results('--device', 'cpu', ...Object.keys(captions));
  assert.equal(Object.fromEntries(said.map(({ path, caption: words }) => [path, words])), captions);
});

for (const beam of ['3', '1']) {
  webgpuTest(test)(`WebGPU (${adapter}) gives the words of the CPU device, beam ${beam}`, () => {
    const [cpu, gpu] = ['cpu', 'webgpu'].map((device) =>
      results('--device', device, '--beam', beam, ...photographs),
    );
    assert.equal(
      cpu.map(({ path, device }) => [path, device]),
      photographs.map((path) => [path, 'cpu']),
    );
    assert.is.not(cpu[0].caption, cpu[1].caption, 'different photographs, the same words');
    for (const [index, { device, score, ...rest }] of gpu.entries()) {
      const expected = cpu[index];
      assert.is(device, 'webgpu');
      assert.equal(
        { path: rest.path, caption: rest.caption },
        { path: expected.path, caption: expected.caption },
      );
      assert.ok(Math.abs(score - expected.score) < 1e-3, `${score} instead of ${expected.score}`);
    }
  });
}

test.run();
