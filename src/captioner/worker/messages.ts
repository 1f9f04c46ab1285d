import type { DeviceOptions } from '../../kernels/request-device.ts';
import type { Caption, CaptionOptions } from '../captioner.ts';
import type { RgbImage } from '../images/rgb-image.ts';
import type { DownloadProgress } from '../sources/download.ts';

/** Options of a caption that can be sent to another thread. */
export type SentOptions = Omit<CaptionOptions, 'onWord' | 'signal'>;

/** What the page asks of the worker. */
export type Request =
  | {
      readonly kind: 'load';
      readonly model: string;
      readonly device: DeviceOptions;
      readonly cache?: string | false;
    }
  | {
      readonly kind: 'caption';
      readonly id: number;
      readonly image: RgbImage | Blob | ImageBitmap | ImageData;
      readonly options: SentOptions;
      /** Whether the words are wanted as they come. */
      readonly words: boolean;
    }
  | { readonly kind: 'abort'; readonly id: number };

/** What the worker answers. An error without id is one of loading. */
export type Reply =
  | { readonly kind: 'progress'; readonly progress: DownloadProgress }
  | { readonly kind: 'ready'; readonly description: string }
  | { readonly kind: 'word'; readonly id: number; readonly soFar: string }
  | { readonly kind: 'caption'; readonly id: number; readonly caption: Caption; readonly description: string }
  | { readonly kind: 'error'; readonly id?: number; readonly name: string; readonly message: string };
