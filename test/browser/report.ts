/** What the page tells the driver, as plain data, and what both must know of each other. */
import type { RgbImage } from '../../src/captioner/images/rgb-image.ts';
import type { Profile } from '../../src/kernels/profiling/profile.ts';
import type { TuningReport } from '../../src/kernels/profiling/tuning.ts';

/** Captioned on every device. Paths are relative to the repository, which is the server's root. */
export const photograph = 'test/images/photographer.jpg';
export const model = 'models/flickr8k';
export const beams = [1, 3];

/** Decoded in the page: a photograph, and PNG files of the kinds that the browser's own decoder shares the least with Node's. */
export const images = [
  photograph,
  'test/images/odd/palette2-interlaced.png',
  'test/images/odd/palette8.png',
  'test/images/odd/grey1.png',
  'test/images/odd/rgb16-interlaced.png',
  'test/images/odd/rgb16.png',
];

export interface CaseResult {
  readonly name: string;
  /** What went wrong; absent where the case passed. */
  readonly error?: string;
}

export interface WrittenCaption {
  readonly beam: number;
  readonly caption: string;
  readonly logProbability: number;
  readonly seconds: number;
}

export interface DeviceReport {
  readonly device: 'webgpu' | 'cpu';
  /** The device's own words on what it is, and the cases that ran on it. */
  readonly description: string;
  readonly cases: readonly CaseResult[];
  readonly seconds: number;
  /** One for each of `beams`, or why there are none. */
  readonly captions: readonly WrittenCaption[] | string;
  /** Storages that the captioner left on the device, all disposed. */
  readonly leaked: number;
}

export interface Report {
  /** `vendor architecture device description` of the adapter that the browser gives, or why there is none. */
  readonly adapter: string;
  /** Of each of `images`, in their order. */
  readonly fingerprints: readonly string[];
  readonly devices: readonly DeviceReport[];
}

/** What threads.html tells. */
export interface ThreadsReport {
  /** The CPU device's own words. */
  readonly description: string;
  /** The different elements of its products, of which all should be `expected`. */
  readonly sums: readonly number[];
  readonly expected: number;
}

/** What measure.html tells. */
export interface MeasureReport
  extends Pick<Profile, 'clock' | 'rows'>,
    Pick<TuningReport, 'calls' | 'place'> {
  /** The words of a device opened before tuning, and of one after it. */
  readonly descriptions: readonly string[];
  /** Operations of one of the five products. */
  readonly flops: number;
}

declare global {
  interface Window {
    /** The page's work. Rejects only where the page itself is broken. */
    report: Promise<Report>;
    /** What the page is at; the driver tells it when time runs out. */
    progress: string;
    /** The work of threads.html. */
    threads: Promise<ThreadsReport>;
    /** The work of measure.html. */
    measure: Promise<MeasureReport>;
  }
}

/** Size and SHA-256 of the pixels of a decoded image. */
export async function fingerprint({ width, height, data }: RgbImage): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data.slice()));
  const hexadecimal = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${width}×${height} ${hexadecimal}`;
}
