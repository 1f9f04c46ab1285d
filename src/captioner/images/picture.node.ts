import { ImageError } from '../../kernels/op/errors.ts';
import { decodeImage } from './decode-image.ts';
import type { Picture, RgbImage } from './rgb-image.ts';

/** The pixels of a file. Rejects with ImageError for everything else: Node has no elements and no canvas. */
export async function pixelsOf(picture: Picture): Promise<RgbImage> {
  if (picture instanceof Blob) {
    const name = 'name' in picture ? String(picture.name) : 'the image';
    return decodeImage(new Uint8Array(await picture.arrayBuffer()), name);
  }
  throw new ImageError(
    `toRgbImage: ${String(picture)} is neither { width, height, data } nor a Blob; decode a file by decodeImage(bytes, name)`,
  );
}
