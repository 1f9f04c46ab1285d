import { ImageError } from '../../kernels/op/errors.ts';

/** A decoded photograph: `data` holds height × width × 3 bytes, row by row from the top, interleaved R G B (sRGB, 0–255). */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/**
 * The most pixels that are decoded. jpeg-js peaks at about 35 bytes of memory and 180 ns a pixel (4:4:4, measured), so
 * an image at the limit already takes 3.5 GB and some 20 seconds.
 */
export const PIXEL_LIMIT = 100_000_000;

/** Checks the size that a header declares, before anything is allocated for it. */
export function checkSize(width: number, height: number, kind: string, name: string): void {
  if (width < 1 || height < 1) {
    throw new ImageError(
      `${name} is a broken ${kind}: its header declares ${width}×${height} pixels. Get an intact copy of the file.`,
    );
  }
  if (width * height > PIXEL_LIMIT) {
    const megapixels = Math.round((width * height) / 1e6);
    throw new ImageError(
      `${name} is too large: ${width}×${height} is ${megapixels} megapixels and at most ${PIXEL_LIMIT / 1e6} are decoded. Scale it down first.`,
    );
  }
}

/** The error for a file whose pieces end before its format says they should. */
export function truncated(kind: string, name: string): ImageError {
  return new ImageError(
    `${name} is a truncated ${kind}: the file ends before the image does. Get a complete copy of it.`,
  );
}

/** The error for a file that is damaged otherwise; `detail` says what was found. */
export function broken(kind: string, name: string, detail: string): ImageError {
  return new ImageError(`${name} is a broken ${kind}: ${detail}. Get an intact copy of the file.`);
}

/** The error for a decoder that threw for want of memory, or undefined where it threw for another reason. */
export function outOfMemory(error: unknown, name: string): ImageError | undefined {
  const starved = error instanceof Error && /allocation|maxMemoryUsageInMB/.test(error.message);
  if (!starved) return undefined;
  return new ImageError(`${name} needs more memory than there is to decode it. Scale it down first.`);
}
