import { decode } from 'jpeg-js';
import { ImageError } from '../../kernels/op/errors.ts';
import { exifOrientation, orient } from './exif-orientation.ts';
import { type JpegSegments, readJpegSegments } from './jpeg-segments.ts';
import { broken, checkSize, outOfMemory, PIXEL_LIMIT, type RgbImage } from './rgb-image.ts';

/** Lets through 100 megapixels of three full-size components, by jpeg-js's own count of its large arrays. */
const MEMORY_LIMIT_MB = 2048;

/** Scans times pixels that are decoded at most: a progressive photograph has about ten scans, a bomb has thousands. */
const WORK_LIMIT = 20 * PIXEL_LIMIT;

const RESAVE = 'Save it again as a plain 8-bit JPEG, or as PNG.';

const PROCESSES: Record<number, string> = {
  3: 'lossless',
  5: 'hierarchical',
  6: 'hierarchical',
  7: 'hierarchical',
};

function checkSupported(segments: JpegSegments, fileSize: number, name: string): void {
  const { process, precision, components, width, height, scans } = segments;
  if (process > 2) {
    throw new ImageError(
      `${name} is a JPEG with ${PROCESSES[process] ?? 'arithmetic'} coding, which is not read. ${RESAVE}`,
    );
  }
  if (precision !== 8) {
    throw new ImageError(`${name} is a JPEG of ${precision} bits a sample, and only 8 are read. ${RESAVE}`);
  }
  if (![1, 3, 4].includes(components.length)) {
    throw new ImageError(
      `${name} is a JPEG of ${components.length} colour components; 1, 3 and 4 are read. ${RESAVE}`,
    );
  }
  checkSize(width, height, 'JPEG', name);
  // The DC code of each 8×8 block takes a bit at least; a forged size would cost seconds and gigabytes to find out.
  if (fileSize * 8 < (width * height) / 64) {
    throw broken(
      'JPEG',
      name,
      `its ${fileSize} bytes cannot hold the ${width}×${height} pixels that its header declares`,
    );
  }
  if (scans * width * height > WORK_LIMIT)
    throw broken('JPEG', name, `it claims ${scans} scans of ${width}×${height} pixels`);
}

/** Whether three components are YCbCr rather than RGB, by the rules of libjpeg (JFIF, then Adobe, then identifiers). */
function isYcc({ jfif, adobeTransform, components }: JpegSegments): boolean {
  if (jfif) return true;
  if (adobeTransform !== undefined) return adobeTransform !== 0;
  return String.fromCharCode(...components) !== 'RGB';
}

/** The file with an Adobe segment saying "four components, no transform" put behind its first marker. */
function withAdobeSegment(bytes: Uint8Array): Uint8Array {
  const segment = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0];
  const marked = new Uint8Array(bytes.length + segment.length);
  marked.set(bytes.subarray(0, 2));
  marked.set(segment, 2);
  marked.set(bytes.subarray(2), 2 + segment.length);
  return marked;
}

/**
 * Decodes a JPEG: baseline or progressive Huffman coding, greyscale, YCbCr, RGB, CMYK or YCCK, turned upright by its
 * EXIF orientation. CMYK is taken as Adobe stores it, inverted, as browsers do even where the Adobe segment is missing.
 * Colour profiles are not applied. Throws {@link ImageError}.
 */
export function decodeJpeg(bytes: Uint8Array, name: string): RgbImage {
  const segments = readJpegSegments(bytes, name);
  checkSupported(segments, bytes.length, name);
  const { components, adobeTransform, exif } = segments;
  const unmarkedCmyk = components.length === 4 && adobeTransform === undefined;
  let image: RgbImage;
  try {
    const { width, height, data } = decode(unmarkedCmyk ? withAdobeSegment(bytes) : bytes, {
      useTArray: true,
      formatAsRGBA: false,
      // Left alone, jpeg-js takes an Adobe RGB file for YCbCr; for four components its own rule is right.
      colorTransform: components.length === 3 ? isYcc(segments) : undefined,
      // Strict decoding fails on valid greyscale files whose restart interval does not divide the image.
      tolerantDecoding: true,
      maxResolutionInMP: PIXEL_LIMIT / 1e6,
      maxMemoryUsageInMB: MEMORY_LIMIT_MB,
    });
    image = { width, height, data };
  } catch (error) {
    const starved = outOfMemory(error, name);
    if (starved) throw starved;
    if (segments.restarts && segments.process === 2) {
      // jpeg-js reads past the last restart interval of a one-component scan into the rows that pad 4:2:0.
      throw new ImageError(
        `${name} is a progressive JPEG with restart markers that the decoder cannot follow, or it is broken. ${RESAVE}`,
      );
    }
    // A TypeError is jpeg-js running into a missing table or component; its words would not help anyone.
    const detail =
      error instanceof Error && !(error instanceof TypeError)
        ? `the decoder says "${error.message}"`
        : 'its image data do not fit its header';
    throw broken('JPEG', name, detail);
  }
  return orient(image, exif ? exifOrientation(exif) : 1);
}
