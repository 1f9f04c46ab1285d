import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { requestDevice } from '../../../kernels/request-device.ts';
import { type Caption, Captioner, defaultLengthExponent } from '../../captioner.ts';
import type { EncoderConfig } from '../../config.ts';
import { type DataSet, openDataSet } from '../../data/data-set.ts';
import { captionFeatures } from '../../evaluation/caption-features.ts';
import { quantiles } from '../../evaluation/confidence.ts';
import { type ImageScore, imageScores } from '../../evaluation/image-scores.ts';
import {
  type EvaluationReport,
  type EvaluationRun,
  type FeatureTiming,
  type ImageReport,
  type ScoredFile,
  type SearchKind,
  type Split,
  scoreTable,
  searchName,
  splits,
} from '../../evaluation/report.ts';
import { scaleOf } from '../../evaluation/scale.ts';
import { type CaptionScores, evaluateCaptions } from '../../metrics/evaluate-captions.ts';
import type { FileSource } from '../../sources/file-source.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import { UsageError } from '../arguments.ts';
import { dataFolder } from '../data-folder.ts';
import { folderSource, packageVersion } from '../files.ts';
import { openProgressBar } from '../progress-bar.ts';
import { type Terminal, usable } from '../terminal.ts';
import { cachedFeatures, cachedImages } from '../training/feature-cache.ts';
import { writeWhole } from '../writing.ts';
import { casesOf } from './cases.ts';

/** A checked command line of evaluate. */
export interface EvaluationSettings {
  readonly model: string;
  readonly data: string;
  readonly split: Split;
  readonly beams: readonly number[];
  /** None: the captioner's own. */
  readonly lengthExponents: readonly number[];
  readonly limit: number | undefined;
  readonly seed: number;
  readonly heldOut: number;
  readonly cache: string;
  readonly threads: number | undefined;
  readonly prefer: 'auto' | 'webgpu' | 'cpu';
  /** Files to write. */
  readonly json: string | undefined;
  readonly captions: string | undefined;
  readonly perImage: string | undefined;
  readonly html: string | undefined;
}

/** Captions and scores a split of a data set, prints the table and writes the files that are asked for. */
export async function evaluate(settings: EvaluationSettings, terminal: Terminal): Promise<void> {
  const { split, data, limit, seed, heldOut } = settings;
  const set = await openData(settings, terminal);
  const records = set[split].slice(0, limit);
  if (records.length === 0) {
    const sizes = splits.map((name) => `${name} ${set[name].length}`).join(', ');
    throw new UsageError(`--split ${split}: ${data} has no images in it (${sizes}). Choose another.`);
  }
  const images = records.map(({ image }) => image);
  const references = new Map(records.map(({ image, captions }) => [image, captions]));
  const device = await usable(() => requestDevice({ prefer: settings.prefer, threads: settings.threads }));
  try {
    const { source, files } = recorded(folderSource(settings.model));
    const captioner = await usable(() => Captioner.load(source, device));
    const { table, timing } = await features(settings, set, images, captioner.config.encoder, device);
    const runs: EvaluationRun[] = [];
    const scores: ImageScore[][] = [];
    for (const kind of searchesOf(settings)) {
      const { captions, seconds } = await captionAll(device, captioner, table, kind, images.length);
      const found = new Map(images.map((image, row) => [image, captions[row]]));
      scores.push(imageScores(found, references));
      const candidates = new Map(images.map((image, row) => [image, captions[row].caption]));
      runs.push(runOf(kind, captions, evaluateCaptions(candidates, references), seconds));
      if (settings.captions) await writeJson(settings.captions, Object.fromEntries(candidates));
    }
    const scale = scaleOf(references);
    terminal.print(scoreTable(runs, scale, timing));
    if (settings.perImage) await writeJson(settings.perImage, imageReport(runs, scores, references));
    if (settings.html)
      await writeWhole(settings.html, await casesOf(settings, runs[0], scores[0], references));
    if (!settings.json) return;
    const { layout } = set;
    const report: EvaluationReport = {
      format: 'ekphrasis-evaluation',
      version: 1,
      program: packageVersion(),
      date: new Date().toISOString(),
      model: files,
      data: { layout, split, images: set[split].length, limit: limit ?? null, seed, heldOut },
      device: { kind: device.kind, description: device.description },
      features: timing,
      runs,
      confidence: { ...kindOf(runs[0]), quantiles: quantiles(scores[0]) },
      scale,
    };
    await writeJson(settings.json, report);
  } finally {
    device.destroy();
  }
}

/** The searches of a sweep. Greedy search, which ranks nothing, has no exponent and is done once. */
function searchesOf({ beams, lengthExponents }: EvaluationSettings): SearchKind[] {
  const exponents = lengthExponents.length > 0 ? lengthExponents : [defaultLengthExponent];
  return beams.flatMap((beam): SearchKind[] =>
    beam === 1
      ? [{ beam, lengthExponent: null }]
      : exponents.map((lengthExponent) => ({ beam, lengthExponent })),
  );
}

function kindOf({ beam, lengthExponent }: SearchKind): SearchKind {
  return { beam, lengthExponent };
}

function runOf(
  kind: SearchKind,
  captions: readonly Caption[],
  scores: CaptionScores,
  seconds: number,
): EvaluationRun {
  const total = captions.reduce((sum, { meanLogProbability }) => sum + meanLogProbability, 0);
  return {
    ...kind,
    scores,
    meanLogProbability: total / captions.length,
    secondsPerCaption: seconds / captions.length,
    imagesPerSecond: captions.length / seconds,
  };
}

function imageReport(
  runs: readonly EvaluationRun[],
  scores: readonly (readonly ImageScore[])[],
  references: ReadonlyMap<string, readonly string[]>,
): ImageReport {
  const images = [...references].map(([image, sentences], place) => ({
    image,
    references: sentences,
    runs: runs.map((run, search) => {
      const { image: _, ...score } = scores[search][place];
      return { ...kindOf(run), ...score };
    }),
  }));
  return { format: 'ekphrasis-image-scores', version: 1, images };
}

async function openData({ data, seed, heldOut }: EvaluationSettings, terminal: Terminal): Promise<DataSet> {
  const set = await usable(() =>
    openDataSet(dataFolder(data), { seed, heldOut: { dev: heldOut, test: heldOut }, needed: [] }),
  );
  const { missing } = set;
  if (missing.length) {
    terminal.say(`left out ${missing.length} images without a file or a caption, the first ${missing[0]}`);
  }
  return set;
}

/** The source, and the files that were read through it. */
function recorded(source: FileSource): { source: FileSource; files: Record<string, ScoredFile> } {
  const files: Record<string, ScoredFile> = {};
  return {
    files,
    source: async (name) => {
      const bytes = await source(name);
      files[name] = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
      return bytes;
    },
  };
}

/** Features of the images, from the cache that training fills too, and what those took that were not in it. */
async function features(
  { data, model, cache, threads }: EvaluationSettings,
  set: DataSet,
  images: readonly string[],
  encoder: EncoderConfig,
  { kind }: Device,
): Promise<{ table: FeatureTable; timing: FeatureTiming | null }> {
  const bar = openProgressBar('features');
  /** The first and the last report: when, and how many images were done. */
  let first: { time: number; done: number } | undefined;
  let last = { time: 0, done: 0 };
  try {
    const table = await cachedFeatures(
      { folder: data, encoderFile: join(model, encoder.weights), encoder, device: kind },
      cachedImages(set),
      cache,
      threads ?? (kind === 'cpu' ? availableParallelism() : 1),
      (done, total) => {
        last = { time: performance.now(), done };
        first ??= last;
        if (first.done < total) bar.update(done, total);
      },
      images,
    );
    const computed = last.done - (first?.done ?? 0);
    const seconds = (last.time - (first?.time ?? 0)) / 1000;
    const timing = { images: computed, seconds, imagesPerSecond: computed / seconds };
    return { table, timing: computed > 0 ? timing : null };
  } finally {
    bar.close();
  }
}

async function captionAll(
  device: Device,
  captioner: Captioner,
  table: FeatureTable,
  kind: SearchKind,
  total: number,
): Promise<{ captions: Caption[]; seconds: number }> {
  const { beam, lengthExponent } = kind;
  const options = { beam, lengthExponent: lengthExponent ?? undefined };
  const start = performance.now();
  const bar = openProgressBar(searchName(kind));
  try {
    const captions = await captionFeatures(device, captioner, table, options, (done) =>
      bar.update(done, total),
    );
    return { captions, seconds: (performance.now() - start) / 1000 };
  } finally {
    bar.close();
  }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}
