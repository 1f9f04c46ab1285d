import type { DataSet } from '../data/data-set.ts';
import type { CaptionScores } from '../metrics/evaluate-captions.ts';
import type { Scale } from './scale.ts';

export const splits = ['dev', 'test', 'train'] as const;

export type Split = (typeof splits)[number];

/** A file of the model that was scored. */
export interface ScoredFile {
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/** Scores of one search. */
export interface EvaluationRun {
  /** Width of the beam; 1 is greedy. */
  readonly beam: number;
  readonly scores: CaptionScores;
  /** Mean time of the search for one sentence, from features that were computed before. */
  readonly secondsPerCaption: number;
}

/** Everything about an evaluation that its figures depend on; what `--json` writes. */
export interface EvaluationReport {
  readonly format: 'ekphrasis-evaluation';
  readonly version: 1;
  /** Version of the program. */
  readonly program: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** The model's files by name. */
  readonly model: Readonly<Record<string, ScoredFile>>;
  readonly data: {
    readonly layout: DataSet['layout'];
    readonly split: Split;
    /** Images in the split; fewer are scored where there is a limit. */
    readonly images: number;
    /** The most images that were to be scored; null: all. */
    readonly limit: number | null;
    /** Which images are held out, and the part of them, where the data set has no split lists. */
    readonly seed: number;
    readonly heldOut: number;
  };
  readonly device: { readonly kind: 'webgpu' | 'cpu'; readonly description: string };
  readonly runs: readonly EvaluationRun[];
  readonly scale: Scale;
}

/** The scores as a table for people, one column a run, then those that give the scale. */
export function scoreTable(runs: readonly EvaluationRun[], { constant, person }: Scale): string {
  const columns = [
    ...runs.map(({ beam, scores, secondsPerCaption }) => ({
      heading: beam === 1 ? 'greedy' : `beam ${beam}`,
      scores,
      seconds: secondsPerCaption.toFixed(3),
    })),
    ...(person ? [{ heading: 'a person', scores: person, seconds: '' }] : []),
    { heading: 'one for all', scores: constant.scores, seconds: '' },
  ];
  type Column = (typeof columns)[number];
  const row = (name: string, value: (column: Column) => string) => [name, ...columns.map(value)];
  const ratios = ['BLEU-1', 'BLEU-2', 'BLEU-3', 'BLEU-4', 'ROUGE-L', 'CIDEr'] as const;
  const rows = [
    row('', ({ heading }) => heading),
    row('images', ({ scores }) => String(scores.images)),
    ...ratios.map((name) => row(name, ({ scores }) => scores[name].toFixed(3))),
    row('mean length in words', ({ scores }) => scores.meanLength.toFixed(2)),
    row('distinct captions', ({ scores }) => String(scores.distinctCaptions)),
    row('empty captions', ({ scores }) => String(scores.emptyCaptions)),
    row('seconds per image', ({ seconds }) => seconds),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  const line = (cells: string[]) =>
    cells.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join('  ');
  return rows.map((cells) => line(cells).trimEnd()).join('\n');
}
