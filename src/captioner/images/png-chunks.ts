import { ImageError } from '../../kernels/op/errors.ts';
import { broken, checkSize, truncated } from './rgb-image.ts';

/** What a PNG file's chunks say, read without decoding any pixel (PNG specification, third edition, section 11). */
export interface PngChunks {
  width: number;
  height: number;
  /** Bits of a pixel in the file: sample depth times channels, 1 to 64. */
  bitsPerPixel: number;
  interlaced: boolean;
  /** Compressed image data, chunk by chunk. */
  imageData: Uint8Array[];
  exif: Uint8Array | undefined;
  /** Bytes up to the end of the IEND chunk; some writers leave rubbish behind it. */
  end: number;
}

const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Walks the whole file from chunk to chunk up to IEND. Throws {@link ImageError} where it is cut, damaged or too large. */
export function readPngChunks(bytes: Uint8Array, name: string): PngChunks {
  if (SIGNATURE.some((byte, i) => i < bytes.length && bytes[i] !== byte)) {
    throw broken('PNG', name, 'its signature is damaged, as a transfer in text mode does');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const imageData: Uint8Array[] = [];
  let header: Pick<PngChunks, 'width' | 'height' | 'bitsPerPixel' | 'interlaced'> | undefined;
  let exif: Uint8Array | undefined;
  let offset = SIGNATURE.length;
  for (;;) {
    if (offset + 12 > bytes.length) throw truncated('PNG', name);
    const length = view.getUint32(offset);
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    const body = bytes.subarray(offset + 8, offset + 8 + length);
    if (type === 'CgBI') {
      throw new ImageError(
        `${name} is in Apple's private variant of PNG (CgBI), which is not read. Save it again as PNG.`,
      );
    }
    if (!header && type !== 'IHDR') throw broken('PNG', name, 'it does not begin with a header chunk');
    if (offset + 12 + length > bytes.length) throw truncated('PNG', name);
    offset += 12 + length;
    if (type === 'IHDR') {
      const channels = CHANNELS[body[9]];
      if (length !== 13 || !channels) throw broken('PNG', name, 'its header chunk is damaged');
      const at = new DataView(body.buffer, body.byteOffset);
      header = {
        width: at.getUint32(0),
        height: at.getUint32(4),
        bitsPerPixel: body[8] * channels,
        interlaced: body[12] !== 0,
      };
      checkSize(header.width, header.height, 'PNG', name);
    } else if (type === 'IDAT') {
      imageData.push(body);
    } else if (type === 'eXIf') {
      exif ??= body;
    } else if (type === 'IEND') {
      break;
    }
  }
  if (!header || imageData.length === 0) throw broken('PNG', name, 'it holds no image data');
  return { ...header, imageData, exif, end: offset };
}
