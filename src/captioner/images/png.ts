import { inflatedSize, readPng } from '#png';
import { ImageError } from '../../kernels/op/errors.ts';
import { exifOrientation, orient } from './exif-orientation.ts';
import { inflatedBytes, readPngChunks } from './png-chunks.ts';
import { broken, outOfMemory, overWhite, type RgbImage } from './rgb-image.ts';

/**
 * Decodes a PNG of any colour type and depth, interlaced or not; transparency is laid over white, 16-bit samples are
 * rounded to 8, the orientation of an eXIf chunk is applied; of an animation the still image is taken. Gamma and colour
 * profiles are not applied. Throws {@link ImageError}.
 */
export function decodePng(bytes: Uint8Array, name: string): RgbImage {
  const chunks = readPngChunks(bytes, name);
  const { width, height, exif, end } = chunks;
  // pngjs fills up what is missing with whatever the memory holds, and inflates interlaced images without a bound.
  const expected = inflatedBytes(chunks);
  let found: number;
  let rgba: Uint8Array | undefined;
  try {
    found = inflatedSize(chunks.imageData, expected);
    if (found === expected) rgba = readPng(bytes.subarray(0, end));
  } catch (error) {
    const starved = outOfMemory(error, name);
    if (starved) throw starved;
    throw broken('PNG', name, 'its image data do not decode');
  }
  if (!rgba) {
    const held = found > expected ? `more than ${expected}` : found;
    throw broken(
      'PNG',
      name,
      `its image data hold ${held} bytes, and ${width}×${height} pixels take ${expected}`,
    );
  }
  return orient({ width, height, data: overWhite(rgba) }, exif ? exifOrientation(exif) : 1);
}
