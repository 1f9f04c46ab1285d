/** A results object of the benchmark, as a run on a made-up machine would leave it. */
import { quickMethod } from '../bench/measure/method.ts';
import { summarise } from '../bench/measure/statistics.ts';
import {
  type CaseOutcome,
  type DeviceOutcome,
  type EngineOutcome,
  type Results,
  resultsFormat,
  resultsVersion,
} from '../bench/report/results.ts';

/** An engine that took so many milliseconds: the first run five times as long, the samples 10 % around the median. */
export const took = (engine: string, milliseconds: number, gpu: number | null = null): EngineOutcome => ({
  engine,
  status: 'measured',
  prepare: 1,
  first: 5 * milliseconds,
  steady: summarise([0.8, 0.9, 1, 1.1, 1.2].map((part) => Number((part * milliseconds).toPrecision(4)))),
  repeats: 2,
  gpu: gpu === null ? null : summarise([gpu]),
});

export function outcome(
  name: string,
  engines: EngineOutcome[],
  more: Partial<CaseOutcome> = {},
): CaseOutcome {
  return {
    name,
    group: 'matmul',
    flops: 1e9,
    bytes: 3e6,
    tolerance: 1e-5,
    difference: 1e-6,
    mismatch: null,
    engines,
    date: '2026-01-02T03:04:05.000Z',
    commit: 'abcdef0',
    ...more,
  };
}

const inception = { group: 'InceptionV3', flops: 11e9, bytes: 100e6 };

export const swiftshader: DeviceOutcome = {
  device: 'swiftshader',
  kind: 'webgpu',
  threads: null,
  description: 'SwiftShader driver 5.0.0, google',
  software: true,
  roofline: { flops: 100e9, bandwidths: [{ workingSet: 2 ** 20, bytesPerSecond: 20e9 }], method: 'made up' },
  engines: ['ekphrasis/webgpu', 'tfjs/webgpu', 'jax-js/webgpu'].map((name) => ({
    name,
    description: `what ${name} says`,
  })),
  cases: [
    outcome('matmul/512x512x512', [
      took('ekphrasis/webgpu', 20),
      took('tfjs/webgpu', 60),
      took('jax-js/webgpu', 10),
    ]),
    outcome('conv2d/8x8x4-1x1x4', [took('ekphrasis/webgpu', 10), took('tfjs/webgpu', 40)], {
      group: 'convolution',
    }),
    outcome('conv2d/9x9x4-3x3x4', [took('ekphrasis/webgpu', 10, 8), took('tfjs/webgpu', 9)], {
      group: 'convolution',
    }),
    outcome('inception-v3/batch-1', [took('ekphrasis/webgpu', 4000), took('tfjs/webgpu', 35_000)], inception),
    outcome(
      'inception-v3/batch-8',
      [
        took('ekphrasis/webgpu', 30_000),
        {
          engine: 'tfjs/webgpu',
          status: 'not-run',
          seconds: 280,
          reason: 'its speed in smaller cases says so',
        },
        { engine: 'jax-js/webgpu', status: 'lacks' },
      ],
      { ...inception, difference: null },
    ),
  ],
};

export const cpu: DeviceOutcome = {
  ...swiftshader,
  device: 'cpu-2',
  kind: 'cpu',
  threads: 2,
  software: false,
  description: 'Processor <P> & Co, 2 threads',
  roofline: null,
  engines: ['ekphrasis/cpu-2', 'tfjs/wasm-2'].map((name) => ({ name, description: name })),
  cases: [
    outcome('inception-v3/batch-1', [took('ekphrasis/cpu-2', 200), took('tfjs/wasm-2', 400)], inception),
  ],
};

export const results: Results = {
  format: resultsFormat,
  version: resultsVersion,
  date: '2026-01-02T03:04:05.000Z',
  commit: 'abcdef0',
  machine: { processor: 'P', cores: 2, memoryBytes: 2 ** 33, system: 'S', node: '20.1.2' },
  packages: { ekphrasis: '0.1.0', '@tensorflow/tfjs-core': '4.22.0' },
  method: quickMethod,
  devices: [swiftshader, cpu],
};
