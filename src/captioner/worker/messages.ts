import type { MemoryReport } from '../../kernels/device.ts';
import type { DeviceOptions } from '../../kernels/request-device.ts';
import type { Caption, CaptionOptions } from '../captioner.ts';
import type { CaptionerConfig } from '../config.ts';
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

/** A caption, and what it cost. */
export interface MeasuredCaption extends Caption {
  /** From the picture's arrival in the worker to the sentence's end. */
  readonly milliseconds: number;
  /** Of the device, once the sentence was found. */
  readonly memory: MemoryReport;
}

/** What the worker answers. An error without id is one of loading. */
export type Reply =
  | { readonly kind: 'progress'; readonly progress: DownloadProgress }
  | { readonly kind: 'ready'; readonly description: string; readonly config: CaptionerConfig }
  | { readonly kind: 'word'; readonly id: number; readonly soFar: string }
  | {
      readonly kind: 'caption';
      readonly id: number;
      readonly caption: MeasuredCaption;
      readonly description: string;
    }
  | { readonly kind: 'error'; readonly id?: number; readonly name: string; readonly message: string };
