import type { RgbImage } from './rgb-image.ts';

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;

/**
 * Reads the Orientation tag (1–8) of an EXIF payload: the TIFF structure after `Exif\0\0` of a JPEG's APP1 segment, or
 * the content of a PNG's eXIf chunk. Anything unreadable counts as 1, upright: EXIF is often damaged by editors and a
 * photograph is worth more than its metadata. Source: EXIF 2.32, 4.6.4 A; TIFF 6.0, section 2.
 *
 * A whole EXIF library would fail here on any damage in the other directories, and needs Node's Buffer.
 */
export function exifOrientation(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 8) return 1;
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const little = order === 0x4949;
  const directory = view.getUint32(4, little);
  if (view.getUint16(2, little) !== 42 || directory + 2 > tiff.length) return 1;
  const count = view.getUint16(directory, little);
  for (
    let entry = directory + 2;
    entry < directory + 2 + 12 * count && entry + 12 <= tiff.length;
    entry += 12
  ) {
    if (view.getUint16(entry, little) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(entry + 8, little);
    return view.getUint16(entry + 2, little) === SHORT && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/**
 * Turns an image as stored into the image as seen. The tag names where the stored first row and first column are in
 * the scene: 1 top left, 2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom,
 * 8 left bottom; from 5 on rows and columns are exchanged.
 */
export function orient(image: RgbImage, orientation: number): RgbImage {
  if (orientation === 1) return image;
  const exchanged = orientation >= 5;
  const fromRight = [2, 3, 6, 7].includes(orientation);
  const fromBottom = [3, 4, 7, 8].includes(orientation);
  const width = exchanged ? image.height : image.width;
  const height = exchanged ? image.width : image.height;
  const data = new Uint8Array(image.data.length);
  let source = 0;
  for (let row = 0; row < image.height; row++) {
    for (let column = 0; column < image.width; column++) {
      const across = exchanged ? row : column;
      const down = exchanged ? column : row;
      const x = fromRight ? width - 1 - across : across;
      const y = fromBottom ? height - 1 - down : down;
      const target = 3 * (y * width + x);
      data[target] = image.data[source++];
      data[target + 1] = image.data[source++];
      data[target + 2] = image.data[source++];
    }
  }
  return { width, height, data };
}
