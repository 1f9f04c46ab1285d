// Which variant tuning finds, and how choices are kept: with times of the test's own, and on this run's adapter.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Operand } from '../src/kernels/device.ts';
import { DeviceLostError, FormatError, KernelError, UnsupportedError } from '../src/kernels/op/errors.ts';
import type { AdapterFacts, NoAttributes, OpDefinition } from '../src/kernels/op/op.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { profileByOp } from '../src/kernels/profiling/profile.ts';
import { readTuning, tuningKey, tuningTarget, writeTuning } from '../src/kernels/profiling/tuning.ts';
import { raceVariants } from '../src/kernels/profiling/variant-race.ts';
import { requestDevice } from '../src/kernels/request-device.ts';
import { version } from '../src/kernels/version.ts';
import { VariantChoice } from '../src/kernels/webgpu/variant-choice.ts';
import { WebGpuDevice } from '../src/kernels/webgpu/webgpu-device.ts';
import { webgpuTest } from './adapter.ts';
import { errorOf } from './errors.ts';

/** A stopwatch that gives fixed times, and what it was asked. */
function fakeTimes(times: Record<string, number | Error>) {
  const asked: string[] = [];
  const time = async (variant: string, runs: number) => {
    asked.push(variant);
    assert.ok(Number.isInteger(runs) && runs >= 1, `${runs} runs`);
    const taken = times[variant];
    if (typeof taken !== 'number') throw taken;
    return taken;
  };
  return { time, asked };
}

test('the fastest variant wins, in turns with the others; the hopeless drop out', async () => {
  const { time, asked } = fakeTimes({ a: 1.2, b: 0.5, c: 0.6, d: 5 });
  const { winner, milliseconds, failures } = await raceVariants(['a', 'b', 'c', 'd'], time);
  assert.is(winner, 'b');
  assert.equal([...milliseconds], [['a', 1.2], ['b', 0.5], ['c', 0.6], ['d', 5]]); // biome-ignore format: pairs
  assert.is(failures.size, 0);
  // A run that compiles and one that is timed, then rounds in turns, then the fastest against the preferred one.
  assert.is(asked.join(''), 'aabbccddabcbcbcabababab');
});

test('a difference that may be noise leaves the preferred variant', async () => {
  assert.is((await raceVariants(['a', 'b'], fakeTimes({ a: 1, b: 0.97 }).time)).winner, 'a');
  assert.is((await raceVariants(['a', 'b'], fakeTimes({ a: 1, b: 0.9 }).time)).winner, 'b');
  assert.is((await raceVariants(['a', 'b'], fakeTimes({ a: 0, b: 0 }).time)).winner, 'a');
});

test('an interruption does not decide, neither of the preferred variant nor of another', async () => {
  const interrupted = (at: number) => {
    let call = 0;
    return async (variant: string) => {
      call++;
      return call === at ? 50 : variant === 'a' ? 0.5 : 0.6;
    };
  };
  for (let at = 1; at <= 10; at++) {
    assert.is((await raceVariants(['a', 'b'], interrupted(at))).winner, 'a', `preferred, at ${at}`);
  }
  // In its first round, or before it, another variant may look hopeless; later it does not.
  for (let at = 7; at <= 16; at++) {
    assert.is((await raceVariants(['b', 'a'], interrupted(at))).winner, 'a', `another, at ${at}`);
  }
});

test('variants that fail are out; where all fail, or the device is lost, so does the race', async () => {
  const wrong = new KernelError('does not compile');
  const { winner, milliseconds, failures } = await raceVariants(
    ['a', 'b', 'c'],
    fakeTimes({ a: wrong, b: 2, c: 1 }).time,
  );
  assert.is(winner, 'c');
  assert.is(milliseconds.get('a'), Number.POSITIVE_INFINITY);
  assert.equal([...failures], [['a', 'does not compile']]);
  await errorOf(KernelError, () => raceVariants(['a', 'b'], fakeTimes({ a: wrong, b: wrong }).time));
  const lost = new DeviceLostError('gone');
  await errorOf(DeviceLostError, () => raceVariants(['a', 'b'], fakeTimes({ a: 1, b: lost }).time));
});

const spec = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const linear = { transposeA: false, transposeB: false, activation: 'linear' } as const;

test('calls share a choice where batch sizes are alike and nothing else differs', () => {
  const key = (rows: number, columns = 64, attributes: object = linear) =>
    tuningKey('matmul', { inputs: [spec(rows, 32), spec(32, columns)], outputs: [], attributes });
  assert.is(key(3), key(4));
  assert.is(key(5), key(8));
  const others = [key(4), key(5), key(4, 65), key(4, 64, { ...linear, transposeB: true })];
  assert.is(new Set(others).size, others.length);
  const turned = { activation: 'linear', transposeB: false, transposeA: false };
  assert.is(key(4), key(4, 64, turned), 'the order of the fields is nobody’s concern');
});

const facts: AdapterFacts = {
  vendor: 'maker',
  architecture: 'kind',
  description: 'driver 1.2',
  cpuLike: false,
  features: new Set(),
  maxWorkgroupsPerDimension: 65535,
  maxInvocationsPerWorkgroup: 256,
  maxWorkgroupStorageBytes: 16384,
  maxBufferBytes: 2 ** 28,
  subgroupSize: 0,
};

test('choices are for an adapter, its driver and a version of the kernels, which is that of the package', () => {
  assert.is(tuningTarget(facts), `maker · kind · driver 1.2 · ekphrasis ${version}`);
  assert.is(version, JSON.parse(readFileSync('package.json', 'utf8')).version);
});

test('choices are read as they were written, and nothing else is', () => {
  const choices = new Map([['matmul …', 'wide'], ['conv2d …', 'narrow']]); // biome-ignore format: pairs
  const text = writeTuning(choices, 'here');
  assert.equal(readTuning(text, 'here'), choices);
  assert.equal(Object.keys(JSON.parse(text).choices), ['conv2d …', 'matmul …'], 'sorted');
  const broken: [text: string, target: string, reason: RegExp][] = [
    [text.slice(0, 50), 'here', /not JSON/],
    ['null', 'here', /not of the format/],
    ['{"format":"other"}', 'here', /not of the format/],
    [text, 'elsewhere', /for here, this is elsewhere/],
    [text.replace('"wide"', '7'), 'here', /something else than variants/],
    ['{"format":"ekphrasis-tuning","target":"here"}', 'here', /no field "choices"/],
  ];
  for (const [given, target, reason] of broken) {
    assert.throws(
      () => readTuning(given, target),
      (error: Error) => error instanceof FormatError && reason.test(error.message),
      given,
    );
  }
});

test('the variant asked for goes before the tuned one, and that before the preferred one', () => {
  const definition: OpDefinition<NoAttributes> = {
    ...opTable.negate,
    variants: () => ['preferred', 'tuned', 'asked'],
  };
  const call = { inputs: [spec(4)], outputs: [spec(4)], attributes: {}, adapter: facts, placement: { stride: 4, offset: 0 } }; // biome-ignore format: one line
  const key = tuningKey('negate', call);
  const none = new VariantChoice(new Map());
  assert.is(none.choose(definition, call, undefined), 'preferred');
  const tuned = new VariantChoice(new Map([[key, 'tuned']]));
  assert.is(tuned.choose(definition, call, undefined), 'tuned');
  assert.is(tuned.choose(definition, call, 'asked'), 'asked');
  const gone = new VariantChoice(new Map([[key, 'of an earlier version']]));
  assert.is(gone.choose(definition, call, undefined), 'preferred');
  assert.throws(
    () => tuned.choose(definition, call, 'missing'),
    (error: Error) => error instanceof UnsupportedError && /no variant missing/.test(error.message),
  );
});

const folder = mkdtempSync(join(tmpdir(), 'ekphrasis-tuning-'));
const before = process.env.EKPHRASIS_TUNING;
test.before.each(() => {
  process.env.EKPHRASIS_TUNING = folder;
});
test.after(() => {
  rmSync(folder, { recursive: true });
  if (before === undefined) delete process.env.EKPHRASIS_TUNING;
  else process.env.EKPHRASIS_TUNING = before;
});

/** Opens a device for `body` and destroys it; nothing may be left on it. */
async function withDevice(body: (device: WebGpuDevice) => Promise<void>): Promise<void> {
  const device = await WebGpuDevice.request();
  try {
    await body(device);
    assert.is(device.memory().storages, 0, 'storages left');
  } finally {
    device.destroy();
  }
}

function multiply(device: Device, rows: number): void {
  const operand = (...shape: number[]): Operand => ({
    storage: device.upload(new Float32Array(shape[0] * shape[1]).fill(0.5)),
    spec: spec(...shape),
  });
  const inputs = [operand(rows, 48), operand(48, 80)];
  const outputs = device.run('matmul', inputs, linear);
  for (const { storage } of [...inputs, ...outputs]) device.release(storage);
}

async function variantTaken(device: Device, rows: number): Promise<string> {
  return profileByOp((await device.profile(() => multiply(device, rows))).profile)[0].variant;
}

webgpuTest(test)('a product is tuned on this adapter, and later devices take what was found', async () => {
  let found = '';
  await withDevice(async (device) => {
    assert.not.match(device.description, 'tuned');
    const steps: string[] = [];
    const report = await device.tune(
      () => multiply(device, 40),
      (done, total) => steps.push(`${done}/${total}`),
    );
    assert.equal(steps, ['0/1', '1/1']);
    assert.equal(report.failures, []);
    const [call] = report.calls;
    found = call.variant;
    assert.is(call.op, 'matmul');
    assert.is(call.shapes, '[40, 48] float32, [48, 80] float32 -> [40, 80] float32');
    assert.ok(call.milliseconds > 0 && call.milliseconds <= call.preferredMilliseconds);
    const specs = { inputs: [spec(40, 48), spec(48, 80)], outputs: [spec(40, 80)], attributes: linear };
    const placement = { stride: 80, offset: 0 };
    const variants = opTable.matmul.variants?.({ ...specs, adapter: device.adapter, placement }) ?? [];
    assert.ok(variants.length > 1 && variants.includes(found), found);
    assert.is(call.preferred, variants[0]);
    assert.is(await variantTaken(device, 40), found);
    assert.equal(readdirSync(folder).length, 1, 'no unfinished file');
    assert.equal(report.place, join(folder, readdirSync(folder)[0]));
    const kept = readTuning(readFileSync(report.place, 'utf8'), tuningTarget(device.adapter));
    assert.equal([...kept], [[tuningKey('matmul', specs), found]]);

    // Any variant that is kept is taken, so that it is the file that decides.
    const [other] = variants.filter((variant) => variant !== variants[0]);
    writeFileSync(report.place, writeTuning(new Map([[tuningKey('matmul', specs), other]]), tuningTarget(device.adapter))); // biome-ignore format: one line
    found = other;
  });
  await withDevice(async (device) => {
    assert.match(device.description, ', 1 tuned choices');
    assert.is(await variantTaken(device, 40), found);
    assert.is(await variantTaken(device, 64), found, 'a batch of the same class');
    const untuned = (await device.tune(() => multiply(device, 7))).calls;
    assert.is(untuned.length, 1);
  });
  await withDevice(async (device) => assert.match(device.description, ', 2 tuned choices'));
  process.env.EKPHRASIS_TUNING = 'none';
  await withDevice(async (device) => assert.not.match(device.description, 'tuned'));
});

webgpuTest(test)('choices that cannot be read are told of and done without', async () => {
  const place = join(folder, readdirSync(folder)[0]);
  writeFileSync(place, '{"format":');
  await withDevice(async (device) => {
    assert.match(device.description, `without the tuned choices in ${place}: they are not JSON`);
    await device.tune(() => multiply(device, 5));
  });
  await withDevice(async (device) => assert.match(device.description, ', 1 tuned choices'));
});

webgpuTest(test)('choices that cannot be kept reject, and hold for the device all the same', async () => {
  for (const [value, reason] of [
    ['none', /EKPHRASIS_TUNING=none says so/],
    [join(resolve('package.json'), 'inside'), /cannot be written \(ENOTDIR\)/],
  ] as const) {
    process.env.EKPHRASIS_TUNING = value;
    await withDevice(async (device) => {
      const error = await errorOf(UnsupportedError, () => device.tune(() => multiply(device, 3)));
      assert.match(error.message, reason);
      assert.type(await variantTaken(device, 3), 'string');
    });
  }
});

webgpuTest(test)('what the body throws ends the tuning and keeps nothing', async () => {
  const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  await withDevice(async (device) => {
    const fails = () => device.tune(() => Promise.reject(new KernelError('of the body')));
    assert.is((await errorOf(KernelError, fails)).message, 'of the body');
    const nested = () => device.tune(() => device.tune(() => undefined));
    assert.match((await errorOf(UnsupportedError, nested)).message, 'being tuned already');
  });
  assert.equal(
    readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')),
    kept,
  );
});

test('the CPU device has nothing to tune', async () => {
  const device = await requestDevice({ prefer: 'cpu' });
  try {
    const error = await errorOf(UnsupportedError, () => device.tune(() => multiply(device, 3)));
    assert.match(error.message, 'tune: ');
  } finally {
    device.destroy();
  }
});

test.run();
