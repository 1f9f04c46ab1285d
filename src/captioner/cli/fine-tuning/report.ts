import { join } from 'node:path';
import { packageVersion } from '../files.ts';
import { html } from '../pages/html.ts';
import type { Series } from '../training/line-chart.ts';
import { type Progress, runPage, seriesOf } from '../training/run-page.ts';
import { writeWhole } from '../writing.ts';
import type { FineTuningState } from './checkpoint.ts';
import type { FineTuningEpoch } from './epoch.ts';
import type { FineTuningRun } from './run-settings.ts';

/** What a report tells beside the state. */
export interface FineTuningFacts {
  /** Description of the device. */
  readonly device: string;
  readonly images: { readonly train: number; readonly dev: number };
}

/**
 * Writes fine-tuning.json, metrics.jsonl and the page to look at. All are made of the state alone, so that they belong to
 * the checkpoint whatever a killed process left.
 */
export async function writeReport(
  { out, plot }: Pick<FineTuningRun, 'out' | 'plot'>,
  facts: FineTuningFacts,
  state: FineTuningState,
  progress: Progress,
): Promise<void> {
  const { settings, config, hashes, step, history, before, modelBefore } = state;
  const report = {
    format: 'ekphrasis-fine-tuning',
    version: 1,
    program: packageVersion(),
    node: process.version,
    command: ['node', 'dist/train.js', ...process.argv.slice(2)].join(' '),
    device: facts.device,
    images: facts.images.train,
    data: { sha256: hashes.data },
    config: { ...config, epochs: settings.epochs, ...(settings.steps !== null && { steps: settings.steps }) },
    settings,
    steps: step,
    epochs: history,
    before,
    ...(modelBefore !== null && { model: modelBefore }),
  };
  await writeWhole(join(out, 'fine-tuning.json'), `${JSON.stringify(report, null, 2)}\n`);
  const lines = history.map((line) => `${JSON.stringify(line)}\n`);
  await writeWhole(join(out, 'metrics.jsonl'), lines.join(''));
  await writeWhole(plot, page(state, facts, progress));
}

function page(state: FineTuningState, { device, images }: FineTuningFacts, progress: Progress): string {
  const { settings, step, history, samples, config, hashes } = state;
  const objectives = settings.objectives.map(({ name }) => name).join(' and ');
  return runPage(
    {
      heading: 'Fine-tuning of an encoder',
      reached: `step ${step}`,
      summary: html`For ${objectives}, from ${settings.first} up; ${step} steps done, ${progress}.
${images.train} images to train on, ${images.dev} to measure. Device: ${device}.`,
      charts: charts(history),
      samples,
      columns: ['epoch', 'steps', 'loss', 'dev loss', 'precision', 'CIDEr', 'BLEU-4', 'explained', 'seconds'],
      rows: history.map(cells),
      config,
      dataHash: hashes.data,
    },
    progress,
  );
}

function charts(history: readonly FineTuningEpoch[]): [title: string, series: Series[]][] {
  const of = (name: string, value: (line: FineTuningEpoch) => number | undefined) =>
    seriesOf(history, name, value);
  return [
    ['Loss', [of('training', ({ trainLoss }) => trainLoss), of('development', ({ devLoss }) => devLoss)]],
    ...(['words', 'captions', 'features'] as const).map((name): [string, Series[]] => [
      `Loss of ${name}`,
      [of('development', ({ devLosses }) => devLosses?.[name])],
    ]),
    ['Mean average precision of words', [of('precision', ({ devPrecision }) => devPrecision)]],
    ['CIDEr of development images', [of('CIDEr', ({ devCider }) => devCider)]],
    ['BLEU-4 of development images', [of('BLEU-4', ({ devBleu4 }) => devBleu4)]],
    ["Part of the teacher's variance explained", [of('explained', ({ devExplained }) => devExplained)]],
  ];
}

const cells = (line: FineTuningEpoch) => [
  line.epoch,
  line.steps,
  line.trainLoss.toFixed(4),
  line.devLoss.toFixed(4),
  line.devPrecision?.toFixed(3) ?? '',
  line.devCider?.toFixed(3) ?? '',
  line.devBleu4?.toFixed(3) ?? '',
  line.devExplained?.toFixed(3) ?? '',
  line.seconds,
];
