import { ImageError } from '../../kernels/op/errors.ts';
import { fileFormat } from './file-format.ts';
import { decodeJpeg } from './jpeg.ts';
import { decodePng } from './png.ts';
import type { RgbImage } from './rgb-image.ts';

/**
 * Decodes the content of a JPEG or PNG file to upright RGB. The format is told from the content. `name` is what the
 * errors call the file. Throws {@link ImageError}, whose message is one line, for everything that cannot be decoded.
 */
export function decodeImage(bytes: Uint8Array, name: string): RgbImage {
  if (bytes.length === 0) throw new ImageError(`${name} is empty (0 bytes). Get an intact copy of the file.`);
  const format = fileFormat(bytes);
  if (format.kind === 'JPEG') return decodeJpeg(bytes, name);
  if (format.kind === 'PNG') return decodePng(bytes, name);
  throw new ImageError(
    `${name} is ${format.label}; only JPEG and PNG images are read. Convert it to one of them first.`,
  );
}
