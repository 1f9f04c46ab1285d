import { readPng } from '#png';
import { ImageError } from '../../kernels/op/errors.ts';
import { exifOrientation, orient } from './exif-orientation.ts';
import { readPngChunks } from './png-chunks.ts';
import { broken, outOfMemory, type RgbImage } from './rgb-image.ts';

/** Lays RGBA pixels over white, the paper that most cut-out pictures are seen on. */
function overWhite(rgba: Uint8Array): Uint8Array {
  const data = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const alpha = rgba[from + 3];
    const white = 255 * (255 - alpha);
    for (let channel = 0; channel < 3; channel++) {
      data[to++] = Math.round((rgba[from + channel] * alpha + white) / 255);
    }
  }
  return data;
}

/**
 * Decodes a PNG of any colour type and depth, interlaced or not; transparency is laid over white, 16-bit samples are
 * rounded to 8, the orientation of an eXIf chunk is applied; of an animation the still image is taken. Gamma and colour
 * profiles are not applied. Throws {@link ImageError}.
 */
export function decodePng(bytes: Uint8Array, name: string): RgbImage {
  const chunks = readPngChunks(bytes, name);
  const { width, height, exif, end } = chunks;
  let rgba: Uint8Array;
  try {
    rgba = readPng(bytes.subarray(0, end), chunks);
  } catch (error) {
    const starved = outOfMemory(error, name);
    if (starved) throw starved;
    throw broken('PNG', name, 'its image data do not decode');
  }
  return orient({ width, height, data: overWhite(rgba) }, exif ? exifOrientation(exif) : 1);
}
