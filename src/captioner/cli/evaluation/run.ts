import { createHash } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { EkphrasisError } from '../../../kernels/errors.ts';
import { requestDevice } from '../../../kernels/request-device.ts';
import { Captioner } from '../../captioner.ts';
import type { EncoderConfig } from '../../config.ts';
import { type DataSet, openDataSet } from '../../data/data-set.ts';
import { captionFeatures } from '../../evaluation/caption-features.ts';
import {
  type EvaluationReport,
  type EvaluationRun,
  type ScoredFile,
  type Split,
  scoreTable,
  splits,
} from '../../evaluation/report.ts';
import { scaleOf } from '../../evaluation/scale.ts';
import type { FileSource } from '../../file-source.ts';
import { evaluateCaptions } from '../../metrics/evaluate-captions.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import { UsageError } from '../arguments.ts';
import { dataFolder } from '../data-folder.ts';
import { folderSource, packageVersion } from '../files.ts';
import { openProgressBar } from '../progress-bar.ts';
import { type Terminal, usable } from '../terminal.ts';
import { cachedFeatures, cachedImages } from '../training/feature-cache.ts';

/** A checked command line of evaluate. */
export interface EvaluationSettings {
  readonly model: string;
  readonly data: string;
  readonly split: Split;
  readonly beams: readonly number[];
  readonly limit: number | undefined;
  readonly seed: number;
  readonly heldOut: number;
  readonly cache: string;
  readonly threads: number | undefined;
  readonly prefer: 'auto' | 'webgpu' | 'cpu';
  /** Files to write. */
  readonly json: string | undefined;
  readonly captions: string | undefined;
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
    const table = await features(settings, set, images, captioner.config.encoder, device);
    const runs: EvaluationRun[] = [];
    for (const beam of settings.beams) {
      const start = performance.now();
      const captions = await captionAll(device, captioner, table, beam, images.length);
      const secondsPerCaption = (performance.now() - start) / 1000 / images.length;
      const candidates = new Map(images.map((image, row) => [image, captions[row]]));
      runs.push({ beam, scores: evaluateCaptions(candidates, references), secondsPerCaption });
      if (settings.captions) await writeJson(settings.captions, Object.fromEntries(candidates));
    }
    const scale = scaleOf(references);
    terminal.print(scoreTable(runs, scale));
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
      runs,
      scale,
    };
    await writeJson(settings.json, report);
  } finally {
    device.destroy();
  }
}

async function openData({ data, seed, heldOut }: EvaluationSettings, terminal: Terminal): Promise<DataSet> {
  const set = await usable(() =>
    openDataSet(dataFolder(data), { seed, heldOut: { dev: heldOut, test: heldOut } }),
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

/** Features of the images, from the cache that training fills too. */
async function features(
  { data, model, cache, threads }: EvaluationSettings,
  set: DataSet,
  images: readonly string[],
  encoder: EncoderConfig,
  { kind }: Device,
): Promise<FeatureTable> {
  const bar = openProgressBar('features');
  let lacking = false;
  try {
    return await cachedFeatures(
      { folder: data, encoderFile: join(model, encoder.weights), encoder, device: kind },
      cachedImages(set),
      cache,
      threads ?? (kind === 'cpu' ? availableParallelism() : 1),
      (done, total) => {
        lacking ||= done < total;
        if (lacking) bar.update(done, total);
      },
      images,
    );
  } finally {
    bar.close();
  }
}

async function captionAll(
  device: Device,
  captioner: Captioner,
  table: FeatureTable,
  beam: number,
  total: number,
): Promise<string[]> {
  const bar = openProgressBar(beam === 1 ? 'greedy' : `beam ${beam}`);
  try {
    return await captionFeatures(device, captioner, table, { beam }, (done) => bar.update(done, total));
  } finally {
    bar.close();
  }
}

/** Writes beside the place first, so that no half of a file is ever there. */
async function writeJson(file: string, value: unknown): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(value, null, 2)}\n`);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new EkphrasisError(
      `${file} cannot be written (${code}). Name another file, or mend permissions and free space.`,
    );
  }
}
