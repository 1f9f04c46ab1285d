import * as errors from '../../kernels/op/errors.ts';
import type { DeviceOptions } from '../../kernels/request-device.ts';
import type { CaptionOptions } from '../captioner.ts';
import type { CaptionerConfig } from '../config.ts';
import type { Picture, RgbImage } from '../images/rgb-image.ts';
import type { UrlSourceOptions } from '../sources/url-source.ts';
import type { MeasuredCaption, Reply, Request } from './messages.ts';

export interface CaptionerWorkerOptions
  extends DeviceOptions,
    Pick<UrlSourceOptions, 'onProgress' | 'cache'> {
  /** The model folder's URL, relative to the page. */
  readonly model: string;
  /** Ends loading, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The URL of `worker-thread.js` of this package, where it does not lie beside the file that imports this class. */
  readonly script?: string | URL;
}

interface Pending {
  readonly resolve: (caption: MeasuredCaption) => void;
  readonly reject: (reason: unknown) => void;
  readonly onWord?: (soFar: string) => void;
}

/**
 * A captioner in a thread of its own, so that the page stays smooth: decoding files, loading and computing all happen there.
 *
 *     const captioner = await CaptionerWorker.start({ model: '/models/flickr8k' });
 *     const { caption } = await captioner.caption(input.files[0], { onWord: (text) => { answer.textContent = text; } });
 *     captioner.close();
 *
 * Errors are those of Captioner and of urlSource. When its GPU goes away, the worker takes a new device once and captions
 * the image again.
 */
export class CaptionerWorker {
  /** What the device is, and why that one was chosen. */
  description = '';
  #config: CaptionerConfig | null = null;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  #loading: {
    resolve(): void;
    reject(reason: unknown): void;
    onProgress?: UrlSourceOptions['onProgress'];
  } | null = null;
  #ended: Error | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#receive(data);
    worker.onmessageerror = () => this.#end('a message to it or from it could not be read');
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(
        event.message || "its script cannot be loaded, or the page's Content-Security-Policy forbids workers",
      );
    };
  }

  /**
   * Starts the worker and loads the model. Rejects with EkphrasisError where the model or the device cannot be had, and with
   * the signal's reason once that is aborted.
   */
  static async start(options: CaptionerWorkerOptions): Promise<CaptionerWorker> {
    const { model, prefer, threads, onProgress, cache, signal, script } = options;
    if (!globalThis.Worker) {
      throw new errors.UnsupportedError(
        'CaptionerWorker: there are no web workers here; in Node load a Captioner, in a node:worker_threads worker if need be',
      );
    }
    signal?.throwIfAborted();
    const thread = script
      ? new Worker(script, { type: 'module' })
      : new Worker(new URL('./worker-thread.js', import.meta.url), { type: 'module' });
    const started = new CaptionerWorker(thread);
    const abort = () => started.#loading?.reject(signal?.reason);
    try {
      await new Promise<void>((resolve, reject) => {
        started.#loading = { resolve, reject, onProgress };
        signal?.addEventListener('abort', abort);
        const url = new URL(model, globalThis.document?.baseURI ?? location.href).href;
        started.#send({ kind: 'load', model: url, device: { prefer, threads }, cache });
      });
    } catch (error) {
      started.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      started.#loading = null;
    }
    return started;
  }

  /**
   * Describes one picture. Rejects as `Captioner.caption` does, and with EkphrasisError when the worker is closed or stops.
   * Several pictures are described one after the other.
   */
  async caption(image: RgbImage | Picture, options: CaptionOptions = {}): Promise<MeasuredCaption> {
    const { onWord, signal, ...sent } = options;
    const sendable = await sendableImage(image);
    signal?.throwIfAborted();
    const id = this.#next++;
    const abort = () => {
      this.#send({ kind: 'abort', id });
      this.#settle(id)?.reject(signal?.reason);
    };
    try {
      return await new Promise<MeasuredCaption>((resolve, reject) => {
        if (this.#ended) return reject(this.#ended);
        this.#pending.set(id, { resolve, reject, onWord });
        signal?.addEventListener('abort', abort);
        const transferred = globalThis.ImageBitmap && sendable instanceof ImageBitmap ? [sendable] : [];
        this.#send(
          { kind: 'caption', id, image: sendable, options: sent, words: onWord !== undefined },
          transferred,
        );
      });
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** The model's configuration; `decoder.attention` is null where captions have no attention maps. */
  get config(): CaptionerConfig {
    return this.#config as CaptionerConfig;
  }

  /** Ends the thread. What is still asked of it rejects. */
  close(): void {
    this.#end('it was closed');
  }

  #send(request: Request, transferred: Transferable[] = []): void {
    this.#worker.postMessage(request, transferred);
  }

  #receive(reply: Reply): void {
    switch (reply.kind) {
      case 'progress':
        this.#loading?.onProgress?.(reply.progress);
        break;
      case 'ready':
        this.description = reply.description;
        this.#config = reply.config;
        this.#loading?.resolve();
        break;
      case 'word':
        this.#pending.get(reply.id)?.onWord?.(reply.soFar);
        break;
      case 'caption':
        this.description = reply.description;
        this.#settle(reply.id)?.resolve(reply.caption);
        break;
      case 'error': {
        const error = errorOf(reply);
        if (reply.id === undefined) this.#loading?.reject(error);
        else this.#settle(reply.id)?.reject(error);
      }
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = new errors.EkphrasisError(`the captioner's worker stopped: ${reason}. Start another one.`);
    this.#worker.terminate();
    this.#loading?.reject(this.#ended);
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }
}

/** Elements cannot be sent to another thread; their bitmaps can. */
async function sendableImage(image: RgbImage | Picture): Promise<RgbImage | Blob | ImageBitmap | ImageData> {
  const { Blob, ImageData, HTMLElement, OffscreenCanvas, VideoFrame, ImageBitmap } = globalThis;
  if (image instanceof Blob || (ImageData && image instanceof ImageData)) return image;
  const bitmapNeeded = [HTMLElement, OffscreenCanvas, VideoFrame, ImageBitmap].some(
    (kind) => kind !== undefined && image instanceof kind,
  );
  if (!bitmapNeeded) return image as RgbImage;
  try {
    // A bitmap is copied too: to send it would take it from its owner.
    return await createImageBitmap(image as ImageBitmapSource, { colorSpaceConversion: 'none' });
  } catch (cause) {
    throw new errors.ImageError(
      'CaptionerWorker: the picture has no pixels that may be read: it has not loaded, or it is of another site and lacks ' +
        'crossorigin="anonymous"',
      { cause },
    );
  }
}

/** The error as it was thrown in the worker, of the same class. */
function errorOf({ name, message }: { readonly name: string; readonly message: string }): Error {
  const classes: Readonly<Record<string, new (message: string) => Error>> = { ...errors };
  const Kind = classes[name] ?? errors.EkphrasisError;
  return new Kind(message);
}
