import { broken, truncated } from './rgb-image.ts';

/** What a JPEG file's segments say, read without decoding any pixel (ITU-T T.81, annex B). */
export interface JpegSegments {
  width: number;
  height: number;
  /** Bits a sample: 8, or 12 in medical files. */
  precision: number;
  /** SOF number: 0 baseline, 1 extended, 2 progressive; 3 lossless, 5–7 hierarchical, 9–15 arithmetic coding. */
  process: number;
  /** Component identifiers in the order of the frame header. */
  components: number[];
  jfif: boolean;
  /** Colour transform of Adobe's APP14 segment (0 none, 1 YCbCr, 2 YCCK), where there is one. */
  adobeTransform: number | undefined;
  /** The TIFF structure of the first EXIF segment. */
  exif: Uint8Array | undefined;
  scans: number;
  /** Whether the entropy-coded data are cut by restart markers. */
  restarts: boolean;
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return bytes.length >= text.length && [...text].every((letter, i) => bytes[i] === letter.charCodeAt(0));
}

/** The offset of the next marker's code byte at or after `from`: after 0xFF, neither a stuffed zero nor fill nor a restart. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (
    let at = bytes.indexOf(0xff, from);
    at >= 0 && at + 1 < bytes.length;
    at = bytes.indexOf(0xff, at + 1)
  ) {
    const code = bytes[at + 1];
    if (code !== 0 && code !== 0xff && !(code >= 0xd0 && code <= 0xd7)) return at + 1;
  }
  return -1;
}

/**
 * Walks the whole file from marker to marker up to the end-of-image marker, so that a truncated file is told from a
 * complete one and its size is known before anything is decoded.
 */
export function readJpegSegments(bytes: Uint8Array, name: string): JpegSegments {
  let frame: Pick<JpegSegments, 'width' | 'height' | 'precision' | 'process' | 'components'> | undefined;
  let jfif = false;
  let adobeTransform: number | undefined;
  let exif: Uint8Array | undefined;
  let scans = 0;
  let restarts = false;
  let offset = 2;
  for (;;) {
    const at = nextMarker(bytes, offset);
    if (at < 0) throw truncated('JPEG', name);
    const code = bytes[at];
    offset = at + 1;
    if (code === 0xd9) break;
    if (code === 0x01 || code === 0xd8) continue;
    const length = (bytes[offset] << 8) | bytes[offset + 1];
    if (offset + Math.max(length, 2) > bytes.length) throw truncated('JPEG', name);
    const body = bytes.subarray(offset + 2, offset + length);
    offset += Math.max(length, 2);
    if (code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc) {
      if (body.length < 6 || body.length < 6 + 3 * body[5])
        throw broken('JPEG', name, 'its frame header is too short');
      frame ??= {
        process: code - 0xc0,
        precision: body[0],
        height: (body[1] << 8) | body[2],
        width: (body[3] << 8) | body[4],
        components: Array.from({ length: body[5] }, (_, i) => body[6 + 3 * i]),
      };
    } else if (code === 0xda) {
      scans += 1;
    } else if (code === 0xdd) {
      restarts ||= body.some((byte) => byte !== 0);
    } else if (code === 0xe0 && startsWith(body, 'JFIF\0')) {
      jfif = true;
    } else if (code === 0xe1 && startsWith(body, 'Exif\0')) {
      exif ??= body.subarray(6);
    } else if (code === 0xee && startsWith(body, 'Adobe') && body.length >= 12) {
      adobeTransform = body[11];
    }
  }
  if (!frame) throw broken('JPEG', name, 'it has no frame header');
  if (scans === 0) throw broken('JPEG', name, 'it holds no image data');
  return { ...frame, jfif, adobeTransform, exif, scans, restarts };
}
