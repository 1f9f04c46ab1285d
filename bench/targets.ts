/** What has to be faster than what, and by how much. A report says of each target whether it is met, never an exit code. */
import { partOfRoofline } from './measure/roofline.ts';
import { type Measure, ourOutcome, ratioTo, withoutThreads } from './report/ratios.ts';
import type { CaseOutcome, DeviceOutcome, Results } from './report/results.ts';

interface Wanted {
  readonly title: string;
  /** The devices that it is about. */
  readonly on: (device: DeviceOutcome) => boolean;
  /** The cases that it is about; every one has to meet it. */
  readonly cases: (one: CaseOutcome) => boolean;
}

/** Ours / the peer's, by medians of wall time, or by the first runs. */
export interface RatioTarget extends Wanted {
  readonly kind: 'ratio';
  /** The peer's name without its number of threads. */
  readonly against: string;
  readonly measure: Measure;
  /** Times faster. */
  readonly atLeast: number;
}

export interface RooflineTarget extends Wanted {
  readonly kind: 'roofline';
  /** Part of the measured peak. */
  readonly atLeast: number;
}

export type Target = RatioTarget | RooflineTarget;

export type Verdict = 'met' | 'missed' | 'not measured';

export interface TargetOutcome {
  readonly title: string;
  readonly device: string;
  readonly kind: Target['kind'];
  readonly wanted: number;
  /** The worst of all cases, or null where none was measured. */
  readonly got: number | null;
  /** The case that the worst is of. */
  readonly worst: string | null;
  /** How many cases have a figure, of how many that were run. */
  readonly measured: number;
  readonly of: number;
  readonly verdict: Verdict;
}

const named = (name: string) => (one: CaseOutcome) => one.name === name;
const adapter =
  (name: string) =>
  ({ device }: DeviceOutcome) =>
    device === name;
const webgpu = ({ kind }: DeviceOutcome) => kind === 'webgpu';
const softwareAdapter = (device: DeviceOutcome) => webgpu(device) && device.software;
const hardware = (device: DeviceOutcome) => webgpu(device) && !device.software;
const cpu =
  (wanted: (threads: number) => boolean) =>
  ({ kind, threads }: DeviceOutcome) =>
    kind === 'cpu' && wanted(threads ?? 1);

/** A ratio to tfjs of the device's own kind: its webgpu backend on adapters, its wasm backend on the CPU device. */
function against(
  peer: 'tfjs/webgpu' | 'tfjs/wasm',
  atLeast: number,
  title: string,
  on: Wanted['on'],
  cases: Wanted['cases'],
  measure: Measure = 'steady',
): RatioTarget {
  return { kind: 'ratio', against: peer, atLeast, title, on, cases, measure };
}

const photograph = named('inception-v3/batch-1');
const photographs = named('inception-v3/batch-32');
const greedy = named('decode/greedy-16');
const decoderStep = named('train/decoder-64x16');
const convolution = ({ group }: CaseOutcome) => group === 'convolution';

export const targets: readonly Target[] = [
  against('tfjs/webgpu', 7, 'InceptionV3, batch 1', adapter('swiftshader'), photograph),
  against('tfjs/webgpu', 2.5, 'InceptionV3, batch 1', adapter('lavapipe'), photograph),
  against('tfjs/webgpu', 3, 'InceptionV3, batch 1, first run', softwareAdapter, photograph, 'first'),
  against(
    'tfjs/wasm',
    1.6,
    'InceptionV3, batch 1',
    cpu((threads) => threads === 2),
    photograph,
  ),
  against(
    'tfjs/wasm',
    1,
    'InceptionV3, batch 1',
    cpu((threads) => threads === 1),
    photograph,
  ),
  against('tfjs/webgpu', 5, 'a caption of 16 words, greedy', webgpu, greedy),
  against(
    'tfjs/wasm',
    5,
    'a caption of 16 words, greedy',
    cpu(() => true),
    greedy,
  ),
  against('tfjs/webgpu', 3, 'a training step of the decoder', webgpu, decoderStep),
  against(
    'tfjs/wasm',
    3,
    'a training step of the decoder',
    cpu(() => true),
    decoderStep,
  ),
  against('tfjs/webgpu', 1, 'every convolution of InceptionV3', webgpu, convolution),
  against('tfjs/webgpu', 2, 'InceptionV3, batch 1', hardware, photograph),
  against('tfjs/webgpu', 2, 'InceptionV3, batch 32', hardware, photographs),
  {
    kind: 'roofline',
    atLeast: 0.6,
    title: 'matmul 4096, part of the peak',
    on: hardware,
    cases: named('matmul/4096x4096x4096'),
  },
];

/** The figure that a target asks of a case, or null where it was not measured. */
function figure(target: Target, device: DeviceOutcome, one: CaseOutcome): number | null {
  if (target.kind === 'roofline') {
    const own = ourOutcome(one);
    return own ? partOfRoofline(device.roofline, one, own) : null;
  }
  const peer = one.engines.find(({ engine }) => withoutThreads(engine) === target.against);
  return peer ? ratioTo(one, peer, target.measure) : null;
}

function judge(target: Target, device: DeviceOutcome): TargetOutcome {
  const cases = device.cases.filter(target.cases);
  const figures = cases.flatMap((one) => {
    const value = figure(target, device, one);
    return value === null ? [] : [{ name: one.name, value }];
  });
  const worst = figures.reduce<(typeof figures)[number] | null>(
    (least, next) => (least && least.value <= next.value ? least : next),
    null,
  );
  const peer = target.kind === 'ratio' ? ` / ${target.against}` : '';
  return {
    title: `${target.title}${peer}`,
    device: device.device,
    kind: target.kind,
    wanted: target.atLeast,
    got: worst?.value ?? null,
    worst: worst?.name ?? null,
    measured: figures.length,
    of: cases.length,
    // Half of the cases prove nothing about the other half, but one that misses is enough.
    verdict:
      worst && worst.value < target.atLeast
        ? 'missed'
        : worst && figures.length === cases.length
          ? 'met'
          : 'not measured',
  };
}

/** The outcome of every target on every device of the results that it is about. */
export function judgeTargets({ devices }: Pick<Results, 'devices'>): TargetOutcome[] {
  return targets.flatMap((target) => devices.filter(target.on).map((device) => judge(target, device)));
}
