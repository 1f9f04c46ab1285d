// The table of `caption --profile`, on this run's adapter and on the CPU device.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { profileTable } from '../src/captioner/cli/profile-table.ts';
import type { Profile } from '../src/kernels/profiling/profile.ts';
import { webgpuTest } from './adapter.ts';
import { stripedImage, writeTinyCaptioner } from './tiny-captioner.ts';

const row = { op: 'matmul', shapes: '[2, 3] float32, [3, 4] float32 -> [2, 4] float32', variant: 'wide' };
const profile: Profile = {
  clock: 'gpu',
  wallMilliseconds: 40,
  rows: [
    { ...row, calls: 10, milliseconds: 15, flops: 4.5e9, bytes: 3e6 },
    { op: 'gather', shapes: '[9, 2] float32, [4] int32 -> [4, 2] float32', variant: 'default', calls: 1, milliseconds: 4, flops: 0, bytes: 10_000 }, // biome-ignore format: one line
    { ...row, variant: 'narrow', calls: 2, milliseconds: 1, flops: 1.5e9, bytes: 1e6 },
  ],
};

test('a table has a row for each op, the sum, and the wall time', () => {
  assert.equal(profileTable(profile), [
    'calls     ms    share  GFLOP/s    MB  GB/s  op',
    '   12  16.00   80.0 %      375  4.00  0.25  matmul',
    '    1   4.00   20.0 %        –  0.01  0.00  gather',
    '   13  20.00  100.0 %      300  4.01  0.20  total',
    "kernels took 20 ms by the GPU's timestamps, 50 % of 40 ms wall time",
  ]);
});

test('by shapes it has a row for each variant and shape', () => {
  const lines = profileTable({ ...profile, clock: 'thread' }, true);
  assert.equal(lines.slice(1, 4), [
    '   10  15.00   75.0 %      300  3.00  0.20  matmul (wide) [2, 3], [3, 4] -> [2, 4]',
    '    1   4.00   20.0 %        –  0.01  0.00  gather (default) [9, 2], [4] int32 -> [4, 2]',
    '    2   1.00    5.0 %     1500  1.00  1.00  matmul (narrow) [2, 3], [3, 4] -> [2, 4]',
  ]);
  assert.is(lines[5], "kernels took 20 ms by this thread's clock, 50 % of 40 ms wall time");
});

test('the table of no work at all has a sum of nothing', () => {
  assert.equal(profileTable({ clock: 'gpu', wallMilliseconds: 0, rows: [] }), [
    'calls    ms  share  GFLOP/s    MB  GB/s  op',
    '    0  0.00  0.0 %        –  0.00     –  total',
    "kernels took 0 ms by the GPU's timestamps, 0 % of 0 ms wall time",
  ]);
});

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-profile-'));
test.before(async () => {
  await writeTinyCaptioner(folder, 'average');
  writeFileSync(join(folder, 'one.png'), stripedImage(1));
  writeFileSync(join(folder, 'two.png'), stripedImage(2));
});
test.after(() => rmSync(folder, { recursive: true }));

function caption(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resolve('dist/caption.js'), '--model', folder, ...args],
    { encoding: 'utf8', timeout: 120_000 },
  );
  assert.is(status, 0, stderr);
  return { stdout, said: stderr.split('\n').filter((line) => line.startsWith('caption: ')) };
}

/** The rows of a printed table, read by its columns. */
function readTable(said: string[]): { calls: number; ms: number; share: number; op: string }[] {
  const begin = said.findIndex((line) => /calls +ms +share +GFLOP\/s +MB +GB\/s +op$/.test(line));
  assert.ok(begin >= 0, said.join('\n'));
  const end = said.findIndex((line, index) => index > begin && line.endsWith('  total'));
  return said.slice(begin + 1, end + 1).map((line) => {
    const [, calls, ms, share, , , , op] = line.split(/ +(?!%)/);
    return { calls: Number(calls), ms: Number(ms), share: Number.parseFloat(share), op };
  });
}

for (const device of ['cpu', 'webgpu']) {
  const declare = device === 'webgpu' ? webgpuTest(test) : test;
  declare(`--profile shows where the time of several images went (${device})`, () => {
    const images = ['one.png', 'two.png'].map((name) => join(folder, name));
    const plain = caption('--device', device, ...images);
    const { stdout, said } = caption('--device', device, '--profile', ...images);
    assert.is(stdout, plain.stdout, 'a profile changes no caption');
    const rows = readTable(said);
    const total = rows.pop();
    assert.is(total?.op, 'total');
    const sum = (field: 'calls' | 'ms' | 'share') => rows.reduce((all, one) => all + one[field], 0);
    assert.is(sum('calls'), total?.calls);
    assert.ok(Math.abs(sum('ms') - (total?.ms ?? 0)) <= 0.005 * (rows.length + 1));
    assert.ok(Math.abs(sum('share') - 100) <= 0.05 * (rows.length + 1));
    for (const op of ['conv2d', 'matmul', 'lstmGates', 'topK'])
      assert.ok(rows.some((one) => one.op === op && one.ms > 0), op); // biome-ignore format: one line
    assert.match(said.at(-1) ?? '', /kernels took \d+ ms by .*, \d+ % of \d+ ms wall time$/);
  });
}

test('--profile --verbose adds a table by shapes and variants', () => {
  const { said } = caption('--device', 'cpu', '--profile', '--verbose', join(folder, 'one.png'));
  const shapes = said.filter((line) => line.includes(' conv2d (simd) [1, '));
  assert.ok(shapes.length > 3, said.join('\n'));
});

test.run();
