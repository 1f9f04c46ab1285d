import type { DataSet } from '../data/data-set.ts';
import type { CaptionScores } from '../metrics/evaluate-captions.ts';
import type { Quantile } from './confidence.ts';
import type { ImageScore } from './image-scores.ts';
import type { Scale } from './scale.ts';

export const splits = ['dev', 'test', 'train'] as const;

export type Split = (typeof splits)[number];

/** A file of the model that was scored. */
export interface ScoredFile {
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly sha256: string;
}

/** How a search ranks sentences. */
export interface SearchKind {
  /** Width of the beam; 1 is greedy. */
  readonly beam: number;
  /** Of the length, see `SearchOptions`; null where greedy search ranks nothing. */
  readonly lengthExponent: number | null;
}

/** Scores of one search. */
export interface EvaluationRun extends SearchKind {
  readonly scores: CaptionScores;
  /** Mean over the images of their captions' mean log probability per word: natural, the end word's included. */
  readonly meanLogProbability: number;
  /** Mean time of the search for one sentence, from features that were computed before. */
  readonly secondsPerCaption: number;
  /** The same the other way round: sentences that the search finds in a second. */
  readonly imagesPerSecond: number;
}

/** What looking at images took, of those whose features were not in the cache. */
export interface FeatureTiming {
  readonly images: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** What `--per-image` writes. */
export interface ImageReport {
  readonly format: 'ekphrasis-image-scores';
  readonly version: 1;
  readonly images: readonly {
    readonly image: string;
    readonly references: readonly string[];
    /** Search by search, as the runs of the report. */
    readonly runs: readonly (SearchKind & Omit<ImageScore, 'image'>)[];
  }[];
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
  /** Null where all features came from the cache. */
  readonly features: FeatureTiming | null;
  readonly runs: readonly EvaluationRun[];
  /** Of the first run, what thresholds for `unsureBelow` in config.json would divide. */
  readonly confidence: SearchKind & { readonly quantiles: readonly Quantile[] };
  readonly scale: Scale;
}

/** The scores as a table for people, one column a run, then those that give the scale. */
export function scoreTable(
  runs: readonly EvaluationRun[],
  { constant, person }: Scale,
  features: FeatureTiming | null,
): string {
  const columns: { heading: string; scores: CaptionScores; run?: EvaluationRun }[] = [
    ...runs.map((run) => ({ heading: searchName(run), scores: run.scores, run })),
    ...(person ? [{ heading: 'a person', scores: person }] : []),
    { heading: 'one for all', scores: constant.scores },
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
    row('mean log-probability', ({ run }) => run?.meanLogProbability.toFixed(3) ?? ''),
    row('length exponent', ({ run }) => String(run?.lengthExponent ?? '')),
    row('search: seconds per image', ({ run }) => run?.secondsPerCaption.toFixed(3) ?? ''),
    row('search: images per second', ({ run }) => run?.imagesPerSecond.toFixed(1) ?? ''),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  const line = (cells: string[]) =>
    cells.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join('  ');
  const looking = features
    ? `features: ${features.imagesPerSecond.toFixed(2)} images per second, over ${features.images} images`
    : 'features: all from the cache';
  return [...rows.map((cells) => line(cells).trimEnd()), looking].join('\n');
}

/** What people call a search by its width. */
export function searchName({ beam }: SearchKind): string {
  return beam === 1 ? 'greedy' : `beam ${beam}`;
}
