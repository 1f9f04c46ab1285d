import { join } from 'node:path';
import { packageVersion } from '../files.ts';
import { writeWhole } from '../writing.ts';
import { bestOf } from './best-epoch.ts';
import type { TrainingState } from './checkpoint.ts';
import type { ReportFacts } from './report-facts.ts';
import type { Progress } from './run-page.ts';
import { trainingPage } from './training-page.ts';

/**
 * Writes training.json, metrics.jsonl and the page to look at. All are made of the state alone, so that they belong to the checkpoint
 * whatever a killed process left.
 */
export async function writeReport(
  { out, plot }: { readonly out: string; readonly plot: string },
  facts: ReportFacts,
  state: TrainingState,
  progress: Progress,
): Promise<void> {
  const { settings, history, before, config, dataHash } = state;
  const { device, images, wordIds, sets, text } = facts;
  const report = {
    format: 'ekphrasis-training',
    version: 1,
    program: packageVersion(),
    node: process.version,
    command: ['node', 'dist/train.js', ...process.argv.slice(2)].join(' '),
    device,
    images,
    wordIds,
    data: { sha256: dataHash, sets, ...(text.length > 0 && { text }) },
    config: { ...config, epochs: settings.epochs, patience: settings.patience },
    settings,
    epochs: history,
    best: bestOf(history, settings.chooseBy),
    before,
  };
  await writeWhole(join(out, 'training.json'), `${JSON.stringify(report, null, 2)}\n`);
  const lines = history.map((line) => `${JSON.stringify(line)}\n`);
  await writeWhole(join(out, 'metrics.jsonl'), lines.join(''));
  await writeWhole(plot, trainingPage(state, facts, progress));
}
