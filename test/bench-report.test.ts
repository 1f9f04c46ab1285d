// What the benchmark makes of its results: tables, files, the page, the README's section and the judgement of targets.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rooflineChart } from '../bench/report/charts/roofline-chart.ts';
import { factorScale } from '../bench/report/charts/svg.ts';
import { htmlPage } from '../bench/report/html.ts';
import { endMark, readmeSection, startMark, withSection } from '../bench/report/readme-section.ts';
import type { CaseOutcome, Results } from '../bench/report/results.ts';
import { formatResults, mergeResults, parseResults, ResultsError } from '../bench/report/results-file.ts';
import { deviceTable, failures } from '../bench/report/table.ts';
import { targetLines } from '../bench/report/target-lines.ts';
import { comparison, digits, duration, percent } from '../bench/report/wording.ts';
import { judgeTargets } from '../bench/targets.ts';
import { cpu, outcome, results, swiftshader, took } from './bench-results.ts';

const lineWith = (lines: readonly string[], ...parts: string[]) => {
  const found = lines.find((line) => parts.every((part) => line.includes(part)));
  assert.ok(found, `no line with ${parts.join(' and ')}`);
  return found.trim().replace(/ {2,}/g, ' | ');
};

test('numbers keep the digits that matter', () => {
  assert.equal([1234.6, 12.34, 0.01234, 0].map(digits), ['1235', '12.3', '0.0123', '0']);
  assert.equal([0.4567, 12.34, 999.6, 3456].map(duration), ['457 µs', '12.3 ms', '1000 ms', '3.46 s']);
  assert.equal([3.456, 0.5, 1.004, 0.98].map(comparison), [
    '3.46× faster',
    '2.00× slower',
    'equal',
    '1.02× slower',
  ]);
  assert.equal([0.056, 0.613].map(percent), ['5.6 %', '61 %']);
});

test('the table has a row for every engine, and says how many times faster ours is than each', () => {
  const lines = deviceTable(swiftshader);
  // 1 GFLOP in 20 ms are 50 GFLOPS, half of the peak.
  assert.is(
    lineWith(lines, 'matmul/512', 'ekphrasis'),
    'matmul/512x512x512 | ekphrasis/webgpu | 100 ms | 20.0 ms | ±10 % | 5×2 | 50.0 | 50 %',
  );
  assert.match(lineWith(lines, 'tfjs/webgpu', '60.0 ms'), /\| 17 % \| 3\.00× faster$/);
  assert.match(lineWith(lines, 'jax-js/webgpu', '10.0 ms'), /\| 2\.00× slower$/);
  assert.match(lineWith(lines, 'not run'), /^tfjs\/webgpu \| not run: would take 280 s$/);
  assert.match(lineWith(lines, 'jax-js/webgpu', '–'), /^jax-js\/webgpu \| – \| –$/);
  assert.is(lines.filter((line) => line === '— convolution').length, 1);
});

test('GPU time tells the speed of a kernel where there is one, wall time who is faster', () => {
  const lines = deviceTable(swiftshader);
  const index = lines.findIndex((line) => line.startsWith('conv2d/9x9'));
  assert.match(lines[index], /10\.0 ms .* 8\.00 ms +125 +125 %$/);
  assert.match(lines[index + 1], /1\.11× slower$/);
});

test('failures are told with their reasons, and void times are not shown', () => {
  const failed = outcome('pool/a', [
    { engine: 'ekphrasis/webgpu', status: 'void' },
    { engine: 'tfjs/webgpu', status: 'failed', reason: 'out of memory' },
  ]);
  const device = { ...swiftshader, cases: [{ ...failed, mismatch: 'B against A: differs' }] };
  assert.equal(failures(device), [
    'swiftshader  pool/a: outputs disagree: B against A: differs',
    'swiftshader  pool/a  tfjs/webgpu: out of memory',
  ]);
  assert.match(lineWith(deviceTable(device), 'ekphrasis/webgpu', 'void'), /void: outputs disagree$/);
  assert.match(lineWith(deviceTable(device), 'tfjs/webgpu', 'FAILED'), /FAILED$/);
  assert.equal(failures(swiftshader), []);
});

test('a results file is read as it was written, one case on a line', () => {
  const text = formatResults(results, { targets: judgeTargets(results) });
  const { targets, ...read } = parseResults(text, 'a.json') as Results & { targets: unknown[] };
  assert.equal(read, results);
  assert.is(targets.length, judgeTargets(results).length);
  assert.is(text.split('\n').filter((line) => line.includes('"name":"matmul/')).length, 1);
  assert.equal(parseResults(formatResults({ ...results, devices: [] }), 'a.json').devices, []);
});

test('times are written with five digits', () => {
  const cases = [outcome('matmul/a', [took('ekphrasis/webgpu', 1)], { difference: 1 / 3 })];
  const text = formatResults({ ...results, devices: [{ ...swiftshader, cases }] });
  assert.match(text, /"difference":0\.33333,/);
});

test('a file of another format is refused by its name', () => {
  for (const text of ['{', '[]', 'null', '{"format":"ekphrasis-benchmark","version":0}']) {
    assert.throws(
      () => parseResults(text, 'old.json'),
      (error: unknown) => error instanceof ResultsError && error.message.startsWith('old.json is '),
    );
  }
});

test('merged results hold the new case where there are two, the others of both, and the higher roofline', () => {
  const newer: Results = {
    ...results,
    date: '2026-02-02T00:00:00.000Z',
    devices: [
      {
        ...swiftshader,
        roofline: {
          flops: 120e9,
          bandwidths: [{ workingSet: 2 ** 20, bytesPerSecond: 10e9 }],
          method: 'made up',
        },
        cases: [
          outcome('matmul/512x512x512', [took('ekphrasis/webgpu', 7)]),
          outcome('softmax/new', [took('ekphrasis/webgpu', 1)]),
        ],
      },
    ],
  };
  const merged = mergeResults(results, newer);
  assert.is(merged.date, newer.date);
  assert.equal(merged.devices.map(({ device }) => device).sort(), ['cpu-2', 'swiftshader']);
  const device = merged.devices.find((one) => one.device === 'swiftshader');
  assert.equal(
    device?.cases.map(({ name }) => name),
    [...swiftshader.cases.map(({ name }) => name), 'softmax/new'],
  );
  assert.is(device?.cases[0].engines.length, 1);
  assert.equal([device?.roofline?.flops, device?.roofline?.bandwidths[0].bytesPerSecond], [120e9, 20e9]);
});

test('results of another machine, or of another driver, are not merged', () => {
  const elsewhere = { ...results, machine: { ...results.machine, processor: 'Q' } };
  assert.throws(() => mergeResults(results, elsewhere), /results of Q.*cannot go into a file of P/);
  const driver = { ...results, devices: [{ ...swiftshader, description: 'SwiftShader 6' }] };
  assert.throws(() => mergeResults(results, driver), /give another file/);
});

const judged = (title: string, device: string, cases: readonly CaseOutcome[] = swiftshader.cases) => {
  const all = judgeTargets({ devices: [{ ...swiftshader, cases }, cpu] });
  const found = all.find((one) => one.title === title && one.device === device);
  assert.ok(found, `no target ${title} on ${device}`);
  return found;
};

test('a target is judged by the worst of its cases', () => {
  const photograph = judged('InceptionV3, batch 1 / tfjs/webgpu', 'swiftshader');
  assert.equal([photograph.wanted, photograph.got, photograph.verdict], [7, 8.75, 'met']);
  const convolutions = judged('every convolution of InceptionV3 / tfjs/webgpu', 'swiftshader');
  assert.equal(
    [convolutions.got, convolutions.worst, convolutions.measured, convolutions.verdict],
    [0.9, 'conv2d/9x9x4-3x3x4', 2, 'missed'],
  );
  assert.is(judged('InceptionV3, batch 1, first run / tfjs/webgpu', 'swiftshader').got, 8.75);
  // Threads are no part of a peer's name.
  assert.equal(judged('InceptionV3, batch 1 / tfjs/wasm', 'cpu-2').got, 2);
});

test('a target of which a case has no ratio is not met, but one that misses is missed', () => {
  const convolution = { group: 'convolution' };
  const unknown = outcome('conv2d/a', [took('ekphrasis/webgpu', 1)], convolution);
  const fast = outcome('conv2d/b', [took('ekphrasis/webgpu', 1), took('tfjs/webgpu', 2)], convolution);
  const slow = outcome('conv2d/c', [took('ekphrasis/webgpu', 2), took('tfjs/webgpu', 1)], convolution);
  const title = 'every convolution of InceptionV3 / tfjs/webgpu';
  assert.is(judged(title, 'swiftshader', [unknown, fast]).verdict, 'not measured');
  assert.is(judged(title, 'swiftshader', [unknown, slow]).verdict, 'missed');
  assert.is(judged(title, 'swiftshader', [fast]).verdict, 'met');
  const lines = targetLines([judged(title, 'swiftshader', [unknown, fast])]);
  assert.match(
    lineWith(lines, title),
    /≥ 1\.00× \| 2\.00× \(least of 1: conv2d\/b\) \| not measured: 1 of 2 cases$/,
  );
});

test('the part of the peak is asked for on hardware alone', () => {
  const cases = [outcome('matmul/4096x4096x4096', [took('ekphrasis/webgpu', 20, 12.5)])];
  const devices = [{ ...swiftshader, device: 'system', software: false, cases }];
  const peak = judgeTargets({ devices }).find(({ kind }) => kind === 'roofline');
  assert.equal([peak?.got, peak?.verdict], [0.8, 'met']);
  assert.not(judgeTargets({ devices: [swiftshader] }).some(({ kind }) => kind === 'roofline'));
});

test('the page holds all that it shows, and no script', () => {
  const page = htmlPage(results, judgeTargets(results));
  assert.not.match(page, /<script|\bsrc=|href=|url\(|@import/);
  assert.match(page, /prefers-color-scheme: dark/);
  for (const text of ['matmul/512x512x512', '8.75× faster', 'would take 280 s', 'missed', 'met']) {
    assert.ok(page.includes(text), text);
  }
  assert.ok(page.includes('Processor &lt;P&gt; &amp; Co'), 'text is escaped');
});

test('a bar of the page reaches from one to the ratio on a scale of factors', () => {
  const scale = factorScale(0.1, 1000, 0, 400);
  assert.equal([0.1, 1, 10, 1000, 5000].map(scale.at), [0, 100, 200, 400, 400]);
  assert.equal(scale.ticks, [0.1, 1, 10, 100, 1000]);
  assert.equal(factorScale(0.5, 4, 0, 1).ticks, [0.5, 1, 2]);
  const bars = [
    ...htmlPage(results, []).matchAll(/<rect x="([\d.]+)"[^>]* width="([\d.]+)"[^>]*class="([^"]+)"/g),
  ];
  // Four ratios to tfjs and one to jax-js on SwiftShader, one on the CPU device; steady and first runs.
  assert.is(bars.length, 2 * (5 + 1));
  assert.is(bars.filter(([, , , name]) => name.includes('slower')).length, 2 * 2);
});

test('the roof is drawn where a peak was measured', () => {
  assert.match(rooflineChart(swiftshader), /<polyline points="[\d., ]+" class="roof">/);
  assert.is((rooflineChart(swiftshader).match(/<circle /g) ?? []).length, 10);
  assert.is(rooflineChart(cpu), '');
});

test("the README's section has a column for every device, ratios to TensorFlow.js, and the targets", () => {
  const lines = readmeSection(new Map([['bench/results/p.json', results]])).split('\n');
  assert.match(
    lines[0],
    /^P, 2 cores, S, Node 20\.1\.2, TensorFlow\.js 4\.22\.0, 2026-01-02; .*bench\/results\/p\.json/,
  );
  assert.is(lines[2], '|  | swiftshader | CPU device, 2 threads |');
  assert.ok(
    lines.includes('| InceptionV3, one image | 4.00 s, **8.75×** | 200 ms, **2.00×** |'),
    lines.join('\n'),
  );
  assert.ok(lines.includes('| the same, first run | 20.0 s, **8.75×** | 1.00 s, **2.00×** |'));
  assert.ok(lines.includes('| InceptionV3, 8 images | 30.0 s | – |'));
  // The geometric mean of 4 and 0.9.
  assert.ok(lines.includes('| convolution, 2 cases | **1.90×** (0.900–4.00) | – |'));
  assert.ok(lines.includes('| InceptionV3, batch 1 / tfjs/wasm | cpu-2 | ≥ 1.60× | 2.00× | met |'));
  assert.not.match(lines.join('\n'), /InceptionV3, batch 32/);
});

test('the section is put between its marks, and missing marks are an error', () => {
  const readme = `before\n${startMark}\nold\n${endMark}\nafter\n`;
  assert.is(withSection(readme, 'new'), `before\n${startMark}\nnew\n${endMark}\nafter\n`);
  assert.is(withSection(withSection(readme, 'new'), 'new'), withSection(readme, 'new'));
  assert.throws(() => withSection('nothing', 'new'), /lacks <!-- bench:start -->/);
  assert.throws(() => withSection(`${endMark}${startMark}`, 'new'), /lacks/);
});

test.run();
