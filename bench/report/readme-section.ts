/** The part of the project's README that is made from the results files. */
import { geometricMean } from '../measure/statistics.ts';
import { judgeTargets, type TargetOutcome } from '../targets.ts';
import { type Measure, ourOutcome, ratioTo, timeOf, withoutThreads } from './ratios.ts';
import type { CaseOutcome, DeviceOutcome, Results } from './results.ts';
import { targetCells } from './target-lines.ts';
import { digits, duration } from './wording.ts';

export const startMark = '<!-- bench:start -->';
export const endMark = '<!-- bench:end -->';

/** Rows of a single case: what they are called, the case, and which of its times. */
const singles: readonly (readonly [title: string, name: string, measure: Measure])[] = [
  ['InceptionV3, one image', 'inception-v3/batch-1', 'steady'],
  ['the same, first run', 'inception-v3/batch-1', 'first'],
  ['InceptionV3, 8 images', 'inception-v3/batch-8', 'steady'],
  ['InceptionV3, 32 images', 'inception-v3/batch-32', 'steady'],
  ['16 words, greedy', 'decode/greedy-16', 'steady'],
  ['16 words, beam 3', 'decode/beam-3', 'steady'],
  ['training step, decoder', 'train/decoder-64x16', 'steady'],
  ['training step, encoder', 'train/encoder-4x139', 'steady'],
];

/** Groups of many cases, which share a row. */
const groups = ['matmul', 'convolution', 'pooling', 'softmax', 'embedding', 'LSTM'];

/** The backend of TensorFlow.js that the README compares with, on each kind of device. */
const peers = { webgpu: 'tfjs/webgpu', cpu: 'tfjs/wasm' } as const;

function ratioToPeer(device: DeviceOutcome, one: CaseOutcome, measure: Measure): number | null {
  const peer = one.engines.find(({ engine }) => withoutThreads(engine) === peers[device.kind]);
  return peer ? ratioTo(one, peer, measure) : null;
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function singleCell(device: DeviceOutcome, name: string, measure: Measure): string {
  const one = device.cases.find((each) => each.name === name);
  const time = one && timeOf(ourOutcome(one), measure);
  if (!one || time === null || time === undefined) return '–';
  const ratio = ratioToPeer(device, one, measure);
  return `${duration(time)}${ratio === null ? '' : `, **${digits(ratio)}×**`}`;
}

function groupCell(device: DeviceOutcome, cases: readonly CaseOutcome[]): string {
  const ratios = cases.flatMap((one) => ratioToPeer(device, one, 'steady') ?? []);
  if (ratios.length === 0) return '–';
  const mean = `**${digits(geometricMean(ratios))}×**`;
  if (ratios.length === 1) return mean;
  return `${mean} (${digits(Math.min(...ratios))}–${digits(Math.max(...ratios))})`;
}

function deviceTitle({ device, description, kind, threads }: DeviceOutcome): string {
  if (kind === 'cpu') return `CPU device, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return device === 'system' ? description.split(',')[0] : device;
}

function timesTable({ devices }: Results): string[] {
  const lines = [row(['', ...devices.map(deviceTitle)]), row(['---', ...devices.map(() => '---')])];
  for (const [title, name, measure] of singles) {
    const cells = devices.map((device) => singleCell(device, name, measure));
    if (cells.some((cell) => cell !== '–')) lines.push(row([title, ...cells]));
  }
  for (const group of groups) {
    const byDevice = devices.map(({ cases }) => cases.filter((one) => one.group === group));
    const count = Math.max(...byDevice.map((cases) => cases.length));
    const cells = devices.map((device, index) => groupCell(device, byDevice[index]));
    if (cells.some((cell) => cell !== '–')) lines.push(row([`${group}, ${count} cases`, ...cells]));
  }
  return lines;
}

function targetTable(outcomes: readonly TargetOutcome[]): string[] {
  if (outcomes.length === 0) return [];
  const rows = outcomes.map((outcome) => {
    const { wanted, got, verdict } = targetCells(outcome);
    return row([outcome.title, outcome.device, wanted, got, verdict]);
  });
  return [
    '',
    row(['Target', 'Device', 'Wanted', 'Got', '']),
    row(['---', '---', '---', '---', '---']),
    ...rows,
  ];
}

/** Everything between the marks, from results files by their paths. */
export function readmeSection(files: ReadonlyMap<string, Results>): string {
  if (files.size === 0) return 'There are no results yet.';
  const sections = [...files].map(([path, results]) => {
    const { machine, packages, date } = results;
    const head =
      `${machine.processor}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}, ` +
      `TensorFlow.js ${packages['@tensorflow/tfjs-core']}, ${date.slice(0, 10)}; all figures are in [${path}](${path}):`;
    const judged = judgeTargets(results).filter(({ of }) => of > 0);
    return [head, '', ...timesTable(results), ...targetTable(judged)].join('\n');
  });
  return sections.join('\n\n');
}

/** The README with its section written anew. Throws where the marks are missing. */
export function withSection(readme: string, section: string): string {
  const [start, end] = [readme.indexOf(startMark), readme.indexOf(endMark)];
  if (start < 0 || end < start) {
    throw new Error(`README.md lacks ${startMark} and ${endMark} after it, between which the table belongs`);
  }
  return `${readme.slice(0, start)}${startMark}\n${section}\n${readme.slice(end)}`;
}
