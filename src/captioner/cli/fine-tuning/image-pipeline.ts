import { Worker } from 'node:worker_threads';
import { EkphrasisError } from '../../../kernels/op/errors.ts';
import type { Augmentation } from '../../images/augment-image.ts';
import type { RgbImage } from '../../images/rgb-image.ts';
import { workerUrl } from '../files.ts';
import { messageOf } from '../terminal.ts';

export interface PipelineSettings {
  readonly augmentation: Augmentation;
}

export interface ImageJob {
  readonly number: number;
  readonly file: string;
  /** Of the augmentation; null leaves the image as it is. */
  readonly seed: number | null;
}

export type ImageReply =
  | { readonly number: number; readonly image: RgbImage }
  | { readonly number: number; readonly message: string };

interface Waiting {
  readonly resolve: (image: RgbImage) => void;
  readonly reject: (error: Error) => void;
}

/** Decodes and varies images on threads, ahead of the device. What an image becomes depends on its seed alone. */
export class ImagePipeline {
  readonly #workers: Worker[];
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor(settings: PipelineSettings, threads: number) {
    this.#workers = Array.from({ length: threads }, () => {
      const worker = new Worker(workerUrl('image-worker.js'), { workerData: settings });
      worker.on('message', (reply: ImageReply) => {
        const { resolve, reject } = this.#waiting.get(reply.number) as Waiting;
        this.#waiting.delete(reply.number);
        if ('image' in reply) resolve(reply.image);
        else reject(new EkphrasisError(reply.message));
      });
      worker.on('error', (error) => this.#fail(messageOf(error)));
      worker.on('exit', () => this.#fail('a thread that decodes images ended early'));
      return worker;
    });
  }

  /** Resolves to the image; rejects with EkphrasisError where the file is none. */
  load(file: string, seed: number | null): Promise<RgbImage> {
    const number = this.#next++;
    const loaded = new Promise<RgbImage>((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
    // Whoever waits hears of a failure; until someone does, it is no unhandled one.
    loaded.catch(() => undefined);
    this.#workers[number % this.#workers.length].postMessage({ number, file, seed } satisfies ImageJob);
    return loaded;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #fail(message: string): void {
    for (const { reject } of this.#waiting.values()) reject(new EkphrasisError(message));
    this.#waiting.clear();
  }
}
