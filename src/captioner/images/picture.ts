import { pixelsOf } from '#picture';
import type { Picture, RgbImage } from './rgb-image.ts';

/** Pixels that are plain data already. */
export function isRgbImage(image: RgbImage | Picture): image is RgbImage {
  return 'data' in image && !(globalThis.ImageData && image instanceof ImageData);
}

/**
 * Any picture as upright RGB, [height, width, 3], transparency over white. A browser decodes files itself, and so reads
 * whatever image format it knows; Node reads a Blob of JPEG or PNG. Of a video, this moment's frame is taken.
 *
 *     const image = await toRgbImage(input.files[0]);
 *
 * Rejects with ImageError for a file that is no image, a picture of no pixels, and one of another site that does not
 * allow its pixels to be read.
 */
export async function toRgbImage(image: RgbImage | Picture): Promise<RgbImage> {
  return isRgbImage(image) ? image : pixelsOf(image);
}
