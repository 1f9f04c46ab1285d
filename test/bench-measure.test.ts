// How the benchmark measures: its statistics, its order of runs, and what it does with outputs that disagree.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareOutputs } from '../bench/measure/compare.ts';
import { interleave, measureCase } from '../bench/measure/measure-case.ts';
import { bandwidthAt, higherRoofline, partOfRoofline } from '../bench/measure/roofline.ts';
import { SpeedBook } from '../bench/measure/speed-book.ts';
import { geometricMean, quantile, spread, summarise } from '../bench/measure/statistics.ts';
import type { CaseOutcome, EngineOutcome } from '../bench/report/results.ts';
import { fakeCase, fakeEngine, method, numbers, Stage } from './bench-engines.ts';

const outcomeOf = (outcomes: readonly EngineOutcome[], name: string) => {
  const found = outcomes.find(({ engine }) => engine === name);
  assert.ok(found, `no outcome of ${name}`);
  return found;
};
const measured = (outcomes: readonly EngineOutcome[], name: string) => {
  const found = outcomeOf(outcomes, name);
  if (found.status !== 'measured') throw new Error(`${name} is ${found.status}`);
  return found;
};

test('quantiles interpolate between the order statistics', () => {
  assert.is(quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.is(quantile([1, 2, 3, 4, 5], 0.25), 2);
  assert.is(quantile([7], 0.75), 7);
  assert.throws(() => quantile([], 0.5), /no samples/);
});

test('a summary does not care for the order of the samples, nor for one that is far off', () => {
  const summary = summarise([5, 1, 1000, 3, 2]);
  assert.equal(summary, { median: 3, lower: 2, upper: 5, smallest: 1, samples: 5 });
  assert.is(spread(summary), 0.5);
});

test('the mean of twice and half as fast is as fast', () => {
  assert.ok(Math.abs(geometricMean([2, 0.5]) - 1) < 1e-12);
  assert.ok(Math.abs(geometricMean([1, 8]) - Math.sqrt(8)) < 1e-12);
});

test('samples are taken in turn, and one that has had enough leaves the others going', async () => {
  const log: string[] = [];
  await interleave(['A', 'B', 'C'], 3, async (subject) => {
    log.push(subject);
    return subject !== 'B';
  });
  assert.is(log.join(''), 'ABCACAC');
});

test('every engine runs once, then warms up, then all run in turn', async () => {
  const stage = new Stage();
  const engines = ['A', 'B'].map((name) => fakeEngine(stage, name));
  await measureCase(fakeCase(), engines, method, stage);
  assert.is(stage.log.join(' '), 'A B A B A B A B A B A B A disposed B disposed');
});

test('an engine whose threads linger settles before the next one runs, and no time counts that', async () => {
  const stage = new Stage();
  const engines = [fakeEngine(stage, 'A', { first: 50, later: 10, lingers: 1000 }), fakeEngine(stage, 'B')];
  const { engines: outcomes } = await measureCase(fakeCase(), engines, method, stage);
  assert.is(stage.log.filter((entry) => entry === 'A').length, 6);
  stage.log.forEach((entry, index) => {
    if (entry === 'A') assert.is(stage.log[index + 1], 'A settled');
  });
  const { first, steady } = measured(outcomes, 'A');
  assert.is(first, 50);
  assert.is(steady?.median, 10);
});

test('the first run is told apart from the steady ones', async () => {
  const stage = new Stage();
  const engines = [fakeEngine(stage, 'A', { first: 700, later: 20, gpuTime: 15 }), fakeEngine(stage, 'B')];
  const { engines: outcomes, mismatch, difference } = await measureCase(fakeCase(), engines, method, stage);
  assert.is(mismatch, null);
  assert.is(difference, 0);
  const { first, steady, gpu, repeats } = measured(outcomes, 'A');
  assert.equal([first, steady?.median, steady?.samples, gpu?.median, repeats], [700, 20, 4, 15, 1]);
  assert.is(measured(outcomes, 'B').gpu, null);
});

test('short runs are repeated within a sample, which is their mean', async () => {
  const stage = new Stage();
  const engine = fakeEngine(stage, 'A', { later: 0.25 });
  const { engines } = await measureCase(fakeCase(), [engine], method, stage);
  assert.equal([measured(engines, 'A').repeats, measured(engines, 'A').steady?.median], [4, 0.25]);
});

test('a slow engine gets as many samples as its budget holds, and at least one', async () => {
  const stage = new Stage();
  const engines = [
    fakeEngine(stage, 'quick'),
    fakeEngine(stage, 'slow', { later: 400 }),
    fakeEngine(stage, 'slowest', { later: 5000 }),
  ];
  const result = await measureCase(fakeCase(), engines, { ...method, budgetSeconds: 1.3 }, stage);
  const samples = ['quick', 'slow', 'slowest'].map((name) => measured(result.engines, name).steady?.samples);
  // The slow one's budget of 1.3 s holds its warm-up and two samples.
  assert.equal(samples, [4, 2, 1]);
});

test('a run that would take too long is not run, and one whose later runs do has its first alone', async () => {
  const stage = new Stage();
  stage.estimates.set('estimated', 61);
  const engines = [fakeEngine(stage, 'estimated'), fakeEngine(stage, 'found out', { later: 70_000 })];
  const { engines: outcomes } = await measureCase(fakeCase(), engines, method, stage);
  const estimated = outcomeOf(outcomes, 'estimated');
  assert.is(estimated.status === 'not-run' && estimated.seconds, 61);
  assert.not(stage.log.includes('estimated'));
  const { first, steady } = measured(outcomes, 'found out');
  assert.equal([first, steady], [50, null]);
});

test('where outputs disagree the case fails and no time counts', async () => {
  const stage = new Stage();
  const wrong = { outputs: () => [numbers(1, 2, 4.001)] };
  const engines = [fakeEngine(stage, 'A'), fakeEngine(stage, 'B', wrong), fakeEngine(stage, 'C')];
  const { mismatch, engines: outcomes } = await measureCase(fakeCase(), engines, method, stage);
  assert.match(
    mismatch ?? '',
    /^B against A, after the first run: differs by 2\.5e-4 .*allowed are 1\.0e-5$/,
  );
  assert.equal(
    outcomes.map(({ status }) => status),
    ['void', 'void', 'void'],
  );
  // Nothing was run after the comparison.
  assert.is(stage.log.join(' '), 'A B C A disposed B disposed C disposed');
});

test('outputs that go wrong only in later runs are found', async () => {
  const stage = new Stage();
  const stale = { outputs: (runs: number) => [numbers(1, 2, runs > 1 ? 5 : 4)] };
  const engines = [fakeEngine(stage, 'A'), fakeEngine(stage, 'B', stale)];
  const { mismatch } = await measureCase(fakeCase(), engines, method, stage);
  assert.match(mismatch ?? '', /^B against A, after the last run/);
});

test('an engine without the operation, and one that breaks down, leave the others measured', async () => {
  const stage = new Stage();
  const engines = [
    fakeEngine(stage, 'A'),
    fakeEngine(stage, 'lacking', { lacks: true }),
    fakeEngine(stage, 'broken', { failsAt: 1 }),
    fakeEngine(stage, 'breaking', { failsAt: 4 }),
  ];
  const { engines: outcomes } = await measureCase(fakeCase(), engines, method, stage);
  assert.equal(outcomeOf(outcomes, 'lacking'), { engine: 'lacking', status: 'lacks' });
  for (const name of ['broken', 'breaking']) {
    assert.equal(outcomeOf(outcomes, name), { engine: name, status: 'failed', reason: `${name} broke down` });
  }
  assert.is(measured(outcomes, 'A').steady?.samples, 4);
});

test('outputs are compared by the largest difference, relative to the largest magnitude', () => {
  const close = compareOutputs([numbers(0, -10)], [numbers(0.5, -10)], 0.05);
  assert.equal(close, { agrees: true, difference: 0.05 });
  assert.not(compareOutputs([numbers(0, -10)], [numbers(0.6, -10)], 0.05).agrees);
});

for (const [what, expected, given, reason] of [
  ['NaN', numbers(1), numbers(Number.NaN), /element 0 is NaN/],
  ['a reference with infinity', numbers(Number.POSITIVE_INFINITY), numbers(1), /reference holds NaN/],
  ['zeros alone', numbers(0, 0), numbers(0, 0), /proves nothing/],
  ['another shape', numbers(1, 2), { shape: [2, 1], data: Float32Array.of(1, 2) }, /float32 \[2, 1\]/],
  ['another type', numbers(1), { shape: [1], data: Int32Array.of(1) }, /is int32 \[1\], expected float32/],
  [
    'a neighbouring index',
    { shape: [2], data: Int32Array.of(9000, 5) },
    { shape: [2], data: Int32Array.of(9001, 5) },
    /element 0 is 9001/,
  ],
] as const) {
  test(`${what} never agrees`, () => {
    const comparison = compareOutputs([expected], [given], 1);
    assert.not(comparison.agrees);
    if (!comparison.agrees) assert.match(comparison.reason, reason);
  });
}

test('another number of outputs never agrees', () => {
  assert.not(compareOutputs([numbers(1)], [numbers(1), numbers(1)], 1).agrees);
  assert.not(compareOutputs([], [], 1).agrees);
});

const roofline = {
  flops: 100e9,
  bandwidths: [
    { workingSet: 1e6, bytesPerSecond: 50e9 },
    { workingSet: 100e6, bytesPerSecond: 10e9 },
  ],
  method: 'made up',
};

test('the roof is arithmetic or traffic, whichever takes longer', () => {
  assert.is(bandwidthAt(roofline, 2e6), 10e9);
  assert.is(bandwidthAt(roofline, 1e6), 50e9);
  assert.is(bandwidthAt(roofline, 1e9), 10e9);
  const at = (flops: number | null, bytes: number | null, gpu: number | null) => {
    const one: CaseOutcome = {
      name: 'a',
      group: 'a',
      flops,
      bytes,
      tolerance: 0,
      difference: null,
      mismatch: null,
      engines: [],
      date: '',
      commit: null,
    };
    const steady = summarise([20]);
    const times = { prepare: 0, first: 30, steady, repeats: 1, gpu: gpu === null ? null : summarise([gpu]) };
    return partOfRoofline(roofline, one, { engine: 'A', status: 'measured', ...times });
  };
  // 10 ms of arithmetic or 5 ms of traffic, in 20 ms of wall time or 12.5 of GPU time.
  assert.is(at(1e9, 50e6, null), 0.5);
  assert.is(at(1e9, 50e6, 12.5), 0.8);
  assert.is(at(1e6, 50e6, null), 0.25);
  assert.is(at(null, null, null), null);
});

test('of two rooflines the higher figures hold', () => {
  const other = { ...roofline, flops: 90e9, bandwidths: [{ workingSet: 1e6, bytesPerSecond: 60e9 }] };
  const higher = higherRoofline(roofline, other);
  assert.is(higher?.flops, 100e9);
  assert.equal(
    higher?.bandwidths.map(({ bytesPerSecond }) => bytesPerSecond),
    [60e9, 10e9],
  );
  assert.is(higherRoofline(null, other), other);
});

test('estimates go by the best speed in the group, else in any', () => {
  const speeds = new SpeedBook();
  assert.is(speeds.estimate('A', 'matmul', 1e9), null);
  speeds.record('A', 'matmul', 1e9, 2);
  speeds.record('A', 'matmul', 1e9, 1);
  speeds.record('A', 'pooling', 1e6, 1);
  assert.is(speeds.estimate('A', 'matmul', 5e9), 5);
  assert.is(speeds.estimate('A', 'pooling', 5e6), 5);
  assert.is(speeds.estimate('A', 'softmax', 5e9), 5);
  assert.is(speeds.estimate('A', 'matmul', null), null);
  assert.is(speeds.estimate('B', 'matmul', 1e9), null);
});

test.run();
