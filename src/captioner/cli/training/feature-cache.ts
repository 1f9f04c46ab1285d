import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EkphrasisError } from '../../../kernels/op/errors.ts';
import { writeSafetensors } from '../../../nn/formats/safetensors.ts';
import { stageChannels } from '../../../nn/inception-v3/architecture.ts';
import type { EncoderConfig } from '../../config.ts';
import type { DataSet } from '../../data/data-set.ts';
import { gridPlaces } from '../../decoder/decoder.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import { workerUrl } from '../files.ts';
import { messageOf } from '../terminal.ts';
import { FeatureFiles } from './feature-files.ts';

export interface FeatureSettings {
  /** Folder of the data set, to which image names are relative. */
  readonly folder: string;
  readonly encoderFile: string;
  readonly encoder: EncoderConfig;
  readonly device: 'auto' | 'webgpu' | 'cpu';
  /** How the files hold them. Default float32. */
  readonly precision?: 'float32' | 'float16';
}

export interface FeatureJob {
  readonly chunk: number;
  readonly images: readonly string[];
}

export type FeatureReply =
  | { readonly kind: 'image'; readonly chunk: number }
  | { readonly kind: 'chunk'; readonly chunk: number; readonly data: Float32Array<ArrayBuffer> }
  | { readonly kind: 'error'; readonly chunk: number; readonly message: string };

/** Part of the cache's key: raise it when decoding, resizing or the encoder's arithmetic change their results. */
const version = 1;
/** Images a file of the cache; an interrupted run loses at most as many a thread. */
const chunkSize = 100;

/**
 * All images of a data set, in the order under which their features are cached: whoever asks for the features of some
 * of them gives this list along, and so finds what others computed.
 */
export function cachedImages({ train, dev, test }: DataSet): string[] {
  return [...train, ...dev, ...test].map(({ image }) => image);
}

/** A caller's wishes for {@link openFeatures}. */
export interface FeatureRequest {
  readonly cacheFolder: string;
  readonly threads: number;
  /** Called with the number of images done, of those in the files that are needed. */
  readonly progress: (done: number, total: number) => void;
}

/**
 * Features of the images in `wanted`, in their order, computed once and then read from `cacheFolder`. The cache's key
 * covers the encoder's weights, what is read of it, and the names of all images; only the files of the cache that
 * hold a wanted image are made. An interrupted computation goes on where it was.
 * @param images as `cachedImages` lists them
 * @param wanted names out of `images`; all of them when not given
 */
export async function openFeatures(
  settings: FeatureSettings,
  images: readonly string[],
  { cacheFolder, threads, progress }: FeatureRequest,
  wanted: readonly string[] = images,
): Promise<FeatureFiles> {
  const folder = join(cacheFolder, await cacheKey(settings, images));
  const fileOf = (chunk: number) => join(folder, `${String(chunk).padStart(5, '0')}.safetensors`);
  const imagesOf = (chunk: number) => images.slice(chunk * chunkSize, (chunk + 1) * chunkSize);
  const places = new Map(images.map((image, place) => [image, place]));
  const chosen = wanted.map((image) => {
    const place = places.get(image);
    if (place === undefined) throw new EkphrasisError(`${image} is none of the data set's images`);
    return { file: fileOf(chunkOf(place)), row: place % chunkSize, rows: imagesOf(chunkOf(place)).length };
  });
  const chunks = [...new Set(wanted.map((image) => chunkOf(places.get(image) as number)))].sort(
    (a, b) => a - b,
  );
  const missing = chunks.filter((chunk) => !existsSync(fileOf(chunk)));
  const count = (some: readonly number[]) => some.reduce((sum, chunk) => sum + imagesOf(chunk).length, 0);
  const total = count(chunks);
  let done = total - count(missing);
  progress(done, total);
  await makeFolder(folder);
  const jobs = missing.map((chunk) => ({ chunk, images: imagesOf(chunk) }));
  await compute(settings, jobs, threads, {
    image: () => progress(++done, total),
    chunk: async (chunk, data) => {
      const rows = imagesOf(chunk).length;
      const weight = { name: 'features', shape: [rows, data.length / rows], data };
      const temporary = `${fileOf(chunk)}.${process.pid}.partial`;
      await writeFile(temporary, writeSafetensors([weight], { encoding: settings.precision ?? 'float32' }));
      await rename(temporary, fileOf(chunk));
    },
  });
  return new FeatureFiles(featureShape(settings.encoder), chosen);
}

/** What {@link openFeatures} opens, all of it in memory. */
export async function cachedFeatures(
  settings: FeatureSettings,
  images: readonly string[],
  cacheFolder: string,
  threads: number,
  progress: FeatureRequest['progress'],
  wanted: readonly string[] = images,
): Promise<FeatureTable> {
  const files = await openFeatures(settings, images, { cacheFolder, threads, progress }, wanted);
  return { rowShape: files.rowShape, data: await files.rows(wanted.map((_, row) => row)) };
}

function chunkOf(place: number): number {
  return Math.floor(place / chunkSize);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new EkphrasisError(
      `the cache folder ${folder} cannot be made (${(error as NodeJS.ErrnoException).code}); name another with --cache`,
    );
  }
}

interface Receiver {
  image(): void;
  chunk(chunk: number, data: Float32Array<ArrayBuffer>): Promise<void>;
}

/** Hands the jobs to threads, each one a device of its own. The first error ends them all. */
async function compute(
  settings: FeatureSettings,
  jobs: readonly FeatureJob[],
  threads: number,
  receiver: Receiver,
): Promise<void> {
  const queue = jobs.values();
  const url = workerUrl('feature-worker.js');
  const workers: Worker[] = [];
  const runThread = () =>
    new Promise<void>((resolve, reject) => {
      const first = queue.next().value;
      if (!first) return resolve();
      const worker = new Worker(url, { workerData: settings });
      workers.push(worker);
      // An error loses its class on the way out of a thread.
      worker.on('error', (error) => reject(new EkphrasisError(messageOf(error))));
      worker.on('exit', () => reject(new EkphrasisError('a thread that computes features ended early')));
      worker.on('message', (reply: FeatureReply) => {
        if (reply.kind === 'image') return receiver.image();
        if (reply.kind === 'error') return reject(new EkphrasisError(reply.message));
        receiver.chunk(reply.chunk, reply.data).then(() => {
          const next = queue.next().value;
          if (next) worker.postMessage(next);
          else resolve();
        }, reject);
      });
      worker.postMessage(first);
    });
  try {
    await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, runThread));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function cacheKey(settings: FeatureSettings, images: readonly string[]): Promise<string> {
  const { outputs, pooling, imageSide, reduceTo } = settings.encoder;
  // Absent for float32, which was all there was at first: the caches of then still count.
  const precision = settings.precision === 'float16' ? 'float16' : undefined;
  const hash = createHash('sha256');
  hash.update(await readFile(settings.encoderFile));
  hash.update(JSON.stringify({ version, outputs, pooling, imageSide, reduceTo, images, precision }));
  return hash.digest('hex').slice(0, 16);
}

/** Shape of one image's features: [channels], or [places, channels] of a grid. */
function featureShape(encoder: EncoderConfig): number[] {
  const channels = encoder.outputs.reduce((sum, name) => sum + (stageChannels.get(name) ?? 0), 0);
  return encoder.pooling === 'average' ? [channels] : [gridPlaces(encoder), channels];
}
