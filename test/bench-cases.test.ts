// The benchmark's cases, and our own engine in it: what is measured is there, is the same every time, and is right.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawnCell, endWord, shippedCell } from '../bench/cases/captioner-cell.ts';
import { placeNetwork } from '../bench/cases/inception-shapes.ts';
import { drawnConvolutions } from '../bench/cases/inception-v3.ts';
import { allCases } from '../bench/cases/index.ts';
import { uniform, wholeNumbers } from '../bench/cases/seeded-array.ts';
import { ekphrasisEngine } from '../bench/engines/ekphrasis/engine.ts';
import { inceptionGraph } from '../bench/engines/inception-graph.ts';
import { engineNames } from '../bench/engines/index.ts';
import type { Case, HostArray, Prepared, Workload } from '../bench/workload.ts';
import type { Device } from '../src/kernels/device.ts';
import { convolutions, gridSide } from '../src/nn/inception-v3/architecture.ts';
import { plainResult } from './bench-reference.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';

const onDevice = await eachDevice(test);
const cases = allCases();
const quickCases = cases.filter(({ quick }) => quick);

test('names are unique, and every group has a case', () => {
  const names = cases.map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
  assert.equal(
    [...new Set(cases.map(({ group }) => group))],
    [
      'matmul',
      'convolution',
      'pooling',
      'softmax',
      'embedding',
      'LSTM',
      'InceptionV3',
      'decoding',
      'training',
    ],
  );
});

test('a quick run has a few cases and none of them is large', () => {
  assert.ok(quickCases.length >= 6 && quickCases.length <= 16, `${quickCases.length} quick cases`);
  for (const { name, flops = 0 } of quickCases) assert.ok(flops < 1e9, `${name} has ${flops} operations`);
});

test('every convolution of InceptionV3 is a case', () => {
  const { convolutions: placed, stages } = placeNetwork(299);
  assert.equal(
    placed.map(({ convolution }) => convolution),
    convolutions,
  );
  assert.equal(stages.get('mixed2'), [gridSide(299, 'mixed2'), gridSide(299, 'mixed2'), 288]);
  assert.equal(stages.get('mixed10'), [8, 8, 2048]);
  const measured = new Set<string>();
  for (const { group, workload } of cases) {
    if (group !== 'convolution') continue;
    const drawn = workload() as Extract<Workload, { kind: 'conv2d' }>;
    measured.add([drawn.x.shape, drawn.kernel.shape, drawn.stride, drawn.padding].join(' '));
  }
  for (const { input, convolution } of placed) {
    const { kernel, stride, padding } = convolution;
    const key = [[1, ...input], kernel, stride, padding].join(' ');
    assert.ok(measured.has(key), `no case has ${key}`);
  }
});

test('InceptionV3 on one image takes the operations that are known of it', () => {
  const inception = cases.find(({ name }) => name === 'inception-v3/batch-1');
  // 5.7 billion multiplications and as many additions (Szegedy et al. 2015 round to 5).
  assert.ok(Math.abs((inception?.flops ?? 0) - 11.4e9) < 0.2e9, `${inception?.flops} operations`);
});

/** A few numbers of every array in a workload, by which two can be told apart. */
function fingerprint(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    const numbers = value as Float32Array;
    let sum = 0;
    for (let i = 0; i < numbers.length; i += 97) sum += (i % 1009) * numbers[i];
    return [numbers.length, numbers[0], numbers[numbers.length - 1], sum];
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fingerprint(inner)]));
}

test('a workload is the same at every draw', async () => {
  const decoder = cases.filter(({ group }) => group === 'decoding' || group === 'LSTM');
  for (const { workload } of [...quickCases, ...decoder]) {
    assert.equal(fingerprint(await workload()), fingerprint(await workload()));
  }
  assert.equal([...uniform([3], 5).data], [...uniform([3], 5).data]);
  assert.not.equal([...uniform([3], 5).data], [...uniform([3], 6).data]);
});

test('drawn numbers fill their range', () => {
  const { data } = uniform([10_000], 0, -2, 6);
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  assert.ok(Math.abs(mean - 2) < 0.1, `mean ${mean}`);
  assert.ok(Math.min(...data) >= -2 && Math.max(...data) <= 6);
  const ids = wholeNumbers([10_000], 1, 4).data;
  assert.equal([...new Set(ids)].sort(), [0, 1, 2, 3]);
});

test('names choose engines, whole or by their family', () => {
  assert.equal(engineNames({ device: 'webgpu' })[0], 'ekphrasis/webgpu');
  assert.equal(engineNames({ device: 'cpu', names: ['tfjs'], threads: 1 }), ['tfjs/wasm-1', 'tfjs/cpu']);
  assert.equal(engineNames({ device: 'cpu', names: ['tfjs'], threads: 2 }), ['tfjs/wasm-2']);
  assert.equal(engineNames({ device: 'cpu', names: ['ekphrasis/cpu-2'], threads: 2 }), ['ekphrasis/cpu-2']);
  assert.equal(engineNames({ device: 'webgpu', names: ['tf'] }), []);
});

test('the graph that other engines walk has the convolutions in their order', () => {
  const order: number[] = [];
  const channels = inceptionGraph(3, {
    convolution(entering, index) {
      order.push(index);
      assert.is(convolutions[index].kernel[2], entering);
      return convolutions[index].kernel[3];
    },
    maxPool: (x) => x,
    averagePool: (x) => x,
    concat: (parts) => parts.reduce((sum, part) => sum + part, 0),
  });
  assert.is(channels, 2048);
  assert.equal(order, [...convolutions.keys()]);
});

/** Prepares a workload on our engine, uses it and disposes of it. */
async function withPrepared(
  device: Device,
  workload: Workload,
  use: (prepared: Prepared) => Promise<void>,
): Promise<void> {
  const prepared = await ekphrasisEngine('ekphrasis/test', device).prepare(workload);
  assert.ok(prepared);
  try {
    await use(prepared as Prepared);
  } finally {
    (prepared as Prepared).dispose();
  }
}

async function runs(prepared: Prepared, count: number): Promise<void> {
  for (let run = 0; run < count; run++) await prepared.run();
  await prepared.finish();
}

const ownResults = (outputs: readonly HostArray[]) => outputs.map(({ data }) => data);

onDevice('our engine gives what plain loops give in the quick cases', async (device) => {
  let compared = 0;
  for (const { name, tolerance, workload } of quickCases as Case[]) {
    const drawn = await workload();
    const expected = plainResult(drawn);
    if (!expected) continue;
    compared++;
    await withPrepared(device, drawn, async (prepared) => {
      await runs(prepared, 2);
      const results = ownResults(await prepared.outputs());
      assert.is(results.length, expected.length);
      expected.forEach((numbers, index) => {
        compare(`${name}, output ${index}`, results[index], numbers, tolerance);
      });
    });
  }
  assert.ok(compared >= 6, `${compared} cases compared`);
});

onDevice('runs beyond the first need no more memory', async (device) => {
  const { workload } = cases.find(({ name }) => name === 'lstm/step-1x256-512') as Case;
  await withPrepared(device, await workload(), async (prepared) => {
    await runs(prepared, 2);
    const before = device.memory().storages;
    await runs(prepared, 5);
    assert.is(device.memory().storages, before);
  });
});

const smallCell = { ...shippedCell, encoding: 16, embedding: 8, units: 12, vocabulary: 50 };

onDevice(
  'both searches find as many words as asked for, and none that ends or means nothing',
  async (device) => {
    for (const beam of [1, 3]) {
      const workload: Workload = {
        kind: 'decode',
        sizes: smallCell,
        weights: drawnCell(smallCell, { endless: true }),
        features: uniform([1, smallCell.channels], 600, 0, 1),
        words: 7,
        beam,
      };
      await withPrepared(device, workload, async (prepared) => {
        await runs(prepared, 3);
        const [{ data: words, shape }] = await prepared.outputs();
        assert.equal(shape, [7]);
        assert.ok(
          words.every((word) => word > endWord && word < smallCell.vocabulary),
          `words ${words.join(' ')}`,
        );
      });
    }
  },
);

const decoderStep: Workload = {
  kind: 'decoderTraining',
  sizes: smallCell,
  weights: drawnCell(smallCell),
  features: uniform([3, smallCell.channels], 700, 0, 1),
  inputs: wholeNumbers([12], 701, smallCell.vocabulary),
  targets: wholeNumbers([12], 702, smallCell.vocabulary),
  sentences: 3,
  steps: 4,
  learningRate: 0.001,
};

onDevice('training gives the losses of its first two steps, however many were taken', async (device) => {
  const losses: number[][] = [];
  for (const count of [1, 4]) {
    await withPrepared(device, decoderStep, async (prepared) => {
      await runs(prepared, count);
      const outputs = await prepared.outputs();
      assert.equal(
        outputs.map(({ shape }) => shape),
        [[1], [1]],
      );
      losses.push(outputs.map(({ data }) => data[0]));
    });
  }
  compare('losses', Float64Array.from(losses[1]), Float64Array.from(losses[0]), 1e-5);
  assert.ok(losses[0][1] < losses[0][0], `the loss went from ${losses[0][0]} to ${losses[0][1]}`);
});

onDevice('tuning the top of the encoder lowers its loss', async (device) => {
  const side = 75;
  const workload: Workload = {
    kind: 'encoderTraining',
    inputs: uniform([1, side, side, 3], 800),
    first: 'stem1',
    last: 'mixed10',
    labels: wholeNumbers([1], 801, 10),
    convolutions: drawnConvolutions(side),
    from: convolutions.findIndex(({ stage }) => stage === 'mixed10'),
    top: { kernel: uniform([2048, 10], 802, -0.03, 0.03), bias: uniform([10], 803, -0.1, 0.1) },
    learningRate: 0.001,
  };
  await withPrepared(device, workload, async (prepared) => {
    await runs(prepared, 2);
    const [[before], [after]] = ownResults(await prepared.outputs());
    assert.ok(after < before, `the loss went from ${before} to ${after}`);
  });
});

test.run();
