import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EkphrasisError, FormatError } from '../../../kernels/errors.ts';
import { readSafetensors, writeSafetensors } from '../../../nn/formats/safetensors.ts';
import type { EncoderConfig } from '../../config.ts';
import { gridPlaces } from '../../decoder/decoder.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';

export interface FeatureSettings {
  /** Folder of the data set, to which image names are relative. */
  readonly folder: string;
  readonly encoderFile: string;
  readonly encoder: EncoderConfig;
  readonly device: 'auto' | 'webgpu' | 'cpu';
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
 * Features of the images, in their order, computed once and then read from `cacheFolder`. The cache's key covers the
 * encoder's weights, what is read of it, and the names of the images; an interrupted computation goes on where it was.
 * @param progress called with the number of images done
 */
export async function cachedFeatures(
  settings: FeatureSettings,
  images: readonly string[],
  cacheFolder: string,
  threads: number,
  progress: (done: number) => void,
): Promise<FeatureTable> {
  const folder = join(cacheFolder, await cacheKey(settings, images));
  await mkdir(folder, { recursive: true });
  const chunks = Array.from({ length: Math.ceil(images.length / chunkSize) }, (_, chunk) => chunk);
  const fileOf = (chunk: number) => join(folder, `${String(chunk).padStart(5, '0')}.safetensors`);
  const imagesOf = (chunk: number) => images.slice(chunk * chunkSize, (chunk + 1) * chunkSize);
  const missing = chunks.filter((chunk) => !existsSync(fileOf(chunk)));
  const lacking = missing.reduce((sum, chunk) => sum + imagesOf(chunk).length, 0);
  let done = images.length - lacking;
  progress(done);
  const jobs = missing.map((chunk) => ({ chunk, images: imagesOf(chunk) }));
  await compute(settings, jobs, threads, {
    image: () => progress(++done),
    chunk: async (chunk, data) => {
      const count = imagesOf(chunk).length;
      const weight = { name: 'features', shape: [count, data.length / count], data };
      const temporary = `${fileOf(chunk)}.partial`;
      await writeFile(temporary, writeSafetensors([weight]));
      await rename(temporary, fileOf(chunk));
    },
  });
  return assemble(
    await Promise.all(chunks.map((chunk) => readChunk(fileOf(chunk)))),
    settings.encoder,
    images.length,
  );
}

interface Receiver {
  image(): void;
  chunk(chunk: number, data: Float32Array<ArrayBuffer>): Promise<void>;
}

/** Hands the jobs to threads, each one a device of its own. */
async function compute(
  settings: FeatureSettings,
  jobs: readonly FeatureJob[],
  threads: number,
  receiver: Receiver,
): Promise<void> {
  const queue = jobs.values();
  const url = new URL('./feature-worker.js', entryUrl());
  const runThread = () =>
    new Promise<void>((resolve, reject) => {
      const first = queue.next().value;
      if (!first) return resolve();
      const worker = new Worker(url, { workerData: settings });
      const stop = (error?: Error) => {
        void worker.terminate();
        if (error) reject(error);
        else resolve();
      };
      worker.on('error', stop);
      worker.on('message', (reply: FeatureReply) => {
        if (reply.kind === 'image') return receiver.image();
        if (reply.kind === 'error') return stop(new EkphrasisError(reply.message));
        receiver.chunk(reply.chunk, reply.data).then(() => {
          const next = queue.next().value;
          if (next) worker.postMessage(next);
          else stop();
        }, stop);
      });
      worker.postMessage(first);
    });
  await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, runThread));
}

/** The folder of the bundles: this code may lie in a chunk below it. */
function entryUrl(): string {
  return import.meta.url.replace(/chunks\/[^/]*$/, '');
}

async function cacheKey(settings: FeatureSettings, images: readonly string[]): Promise<string> {
  const { outputs, pooling, imageSide } = settings.encoder;
  const hash = createHash('sha256');
  hash.update(await readFile(settings.encoderFile));
  hash.update(JSON.stringify({ version, outputs, pooling, imageSide, images }));
  return hash.digest('hex').slice(0, 16);
}

async function readChunk(file: string): Promise<Float32Array> {
  const weight = readSafetensors(await readFile(file), file).weights.get('features');
  if (!(weight?.data instanceof Float32Array)) {
    throw new FormatError(`${file}: holds no features; delete the file and it is computed again`);
  }
  return weight.data;
}

function assemble(chunks: readonly Float32Array[], encoder: EncoderConfig, images: number): FeatureTable {
  const data = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    data.set(chunk, offset);
    offset += chunk.length;
  }
  const width = data.length / images;
  const channels = encoder.pooling === 'average' ? width : width / gridPlaces(encoder);
  return { rowShape: encoder.pooling === 'average' ? [width] : [width / channels, channels], data };
}
