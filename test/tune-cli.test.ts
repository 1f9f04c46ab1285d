// `caption --tune`: what it says, and where later runs look for what it kept.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tune } from '../src/captioner/cli/tune.ts';
import { KernelError } from '../src/kernels/op/errors.ts';
import { type TuningReport, tuningTarget, writeTuning } from '../src/kernels/profiling/tuning.ts';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { webgpuTest } from './adapter.ts';
import { errorOf } from './errors.ts';
import { stripedImage, writeTinyCaptioner } from './tiny-captioner.ts';

const report: TuningReport = {
  calls: [
    { op: 'matmul', shapes: '[2, 3] float32, [3, 4] float32 -> [2, 4] float32', variant: 'wide', preferred: 'narrow', milliseconds: 0.5, preferredMilliseconds: 0.75 }, // biome-ignore format: one line
    { op: 'softmax', shapes: '[9] float32 -> [9] float32', variant: 'serial', preferred: 'serial', milliseconds: 1, preferredMilliseconds: 1 }, // biome-ignore format: one line
  ],
  failures: ['matmul (odd): does not compile'],
  place: 'a file',
};

/** Tunes what gives `report` or rejects; tells what was said and how often it was closed. */
async function tuned(verbose: boolean, give: () => Promise<TuningReport>) {
  const said: string[] = [];
  let closed = 0;
  const open = async () => ({ tune: give, close: () => void closed++ });
  const done = tune(open, verbose, { say: (line) => void said.push(line) });
  return { done, said, closed: () => closed };
}

test('it says what failed and how much was found, with --verbose also what', async () => {
  const failure = 'not to be had on this adapter: matmul (odd): does not compile';
  const summary = '2 kernels tuned in 0 s, of which 1 take another variant than by rule; kept in a file';
  const plain = await tuned(false, async () => report);
  await plain.done;
  assert.equal(plain.said, [failure, summary]);
  assert.is(plain.closed(), 1);
  const verbose = await tuned(true, async () => report);
  await verbose.done;
  assert.equal(verbose.said, [failure, 'matmul [2, 3], [3, 4] -> [2, 4]: wide 0.500 ms, narrow 0.750 ms', summary]); // biome-ignore format: one line
});

test('where tuning fails the device is closed all the same', async () => {
  const { done, closed } = await tuned(true, () => Promise.reject(new KernelError('broken')));
  await errorOf(KernelError, () => done);
  assert.is(closed(), 1);
});

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-tune-'));
const image = join(folder, 'one.png');
test.before(async () => {
  await writeTinyCaptioner(folder, 'average');
  writeFileSync(image, stripedImage(1));
});
test.after(() => rmSync(folder, { recursive: true }));

function caption(cache: string, ...args: string[]) {
  const { EKPHRASIS_TUNING: _, ...environment } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resolve('dist/caption.js'), '--model', folder, ...args],
    { encoding: 'utf8', timeout: 120_000, env: { ...environment, XDG_CACHE_HOME: cache } },
  );
  return { status, stdout, said: stderr.split('\n').filter((line) => line.startsWith('caption: ')) };
}

webgpuTest(test)(
  'choices in the cache folder are taken; broken ones are told of and change no caption',
  async () => {
    const device = await WebGpuDevice.request();
    const target = tuningTarget(device.adapter);
    device.destroy();
    const cache = join(folder, 'cache');
    const words = target.toLowerCase().match(/[a-z0-9.]+/g) ?? [];
    const place = join(cache, 'ekphrasis', `tuning-${words.join('-')}.json`);
    mkdirSync(join(cache, 'ekphrasis'), { recursive: true });
    const run = () => caption(cache, '--device', 'webgpu', '--verbose', image);
    const plain = run();
    assert.not.match(plain.said[0], 'tuned');

    writeFileSync(place, writeTuning(new Map([['matmul of another time', 'wide']]), target));
    const taken = run();
    assert.equal([taken.status, taken.stdout], [0, plain.stdout]);
    assert.match(taken.said[0], ', 1 tuned choices');

    writeFileSync(place, 'rubbish');
    const broken = run();
    assert.equal([broken.status, broken.stdout], [0, plain.stdout]);
    assert.match(broken.said[0], `without the tuned choices in ${place}: they are not JSON`);
  },
);

test('--tune on the CPU device is a mistake: exit 2 and one line', () => {
  const { status, stdout, said } = caption(folder, '--device', 'cpu', '--tune', image);
  assert.equal([status, stdout], [2, '']);
  assert.equal(said, ['caption: tune: the CPU device has no variants to choose from; tune a WebGPU device']);
});

test.run();
