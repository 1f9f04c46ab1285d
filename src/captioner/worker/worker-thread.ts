// The worker's side of CaptionerWorker: loads one model and describes pictures one after the other.
import type { Device } from '../../kernels/device.ts';
import { DeviceLostError } from '../../kernels/op/errors.ts';
import { type DeviceOptions, requestDevice } from '../../kernels/request-device.ts';
import { Captioner } from '../captioner.ts';
import { urlSource } from '../sources/url-source.ts';
import type { MeasuredCaption, Reply, Request } from './messages.ts';

type Load = Extract<Request, { kind: 'load' }>;
type Asked = Extract<Request, { kind: 'caption' }>;

/** A model on its device. */
class Loaded {
  readonly captioner: Captioner;
  readonly device: Device;

  private constructor(captioner: Captioner, device: Device) {
    this.captioner = captioner;
    this.device = device;
  }

  static async open({ model, device: options, cache }: Load): Promise<Loaded> {
    const source = urlSource(model, {
      cache,
      onProgress: (progress) => reply({ kind: 'progress', progress }),
    });
    const device = await requestDevice(options as DeviceOptions);
    try {
      return new Loaded(await Captioner.load(source, device), device);
    } catch (error) {
      device.destroy();
      throw error;
    }
  }
}

let request: Load | null = null;
let loaded: Loaded | null = null;
let replaced = false;
const aborts = new Map<number, AbortController>();
/** Pictures are described one after the other, so that each has the whole device. */
let last: Promise<unknown> = Promise.resolve();

const reply = (message: Reply) => postMessage(message);

function replyError(error: unknown, id?: number): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  reply({ kind: 'error', id, name, message });
}

async function describe({ id, image, options, words }: Asked, signal: AbortSignal): Promise<MeasuredCaption> {
  const { captioner, device } = loaded as Loaded;
  const start = performance.now();
  const onWord = words ? (soFar: string) => reply({ kind: 'word', id, soFar }) : undefined;
  const caption = await captioner.caption(image, { ...options, onWord, signal });
  return { ...caption, milliseconds: performance.now() - start, memory: device.memory() };
}

/** Describes a picture; when the device went away meanwhile, once more on a new one, but no second time. */
async function answer(asked: Asked): Promise<void> {
  const { id } = asked;
  const abort = aborts.get(id) as AbortController;
  try {
    let caption: MeasuredCaption;
    try {
      caption = await describe(asked, abort.signal);
    } catch (error) {
      if (!(error instanceof DeviceLostError) || replaced) throw error;
      replaced = true;
      loaded = await Loaded.open(request as Load);
      caption = await describe(asked, abort.signal);
    }
    reply({ kind: 'caption', id, caption, description: (loaded as Loaded).device.description });
  } catch (error) {
    if (!abort.signal.aborted) replyError(error, id);
  } finally {
    aborts.delete(id);
  }
}

addEventListener('message', ({ data }: MessageEvent<Request>) => {
  switch (data.kind) {
    case 'load':
      request = data;
      Loaded.open(data).then((opened) => {
        loaded = opened;
        reply({
          kind: 'ready',
          description: opened.device.description,
          config: opened.captioner.config,
        });
      }, replyError);
      break;
    case 'caption':
      aborts.set(data.id, new AbortController());
      last = last.then(() => answer(data));
      break;
    case 'abort':
      aborts.get(data.id)?.abort();
  }
});
