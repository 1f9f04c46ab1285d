/** What a file is by its first bytes: the two kinds that are decoded, or the name of another. */
export interface FileFormat {
  kind: 'JPEG' | 'PNG' | 'other';
  /** How an error names the format, article included. */
  label: string;
}

/** Signatures of other formats, `offset: bytes`, with the words an error names them by. */
const SIGNATURES: [offset: number, bytes: string, label: string][] = [
  [0, 'GIF8', 'a GIF image'],
  [8, 'WEBP', 'a WebP image'],
  [0, 'BM', 'a BMP image'],
  [8, 'CR\x02', 'a Canon raw photograph'],
  [0, 'II*\0', 'a TIFF image or a camera raw file'],
  [0, 'MM\0*', 'a TIFF image or a camera raw file'],
  [0, 'FUJIFILMCCD-RAW', 'a Fujifilm raw photograph'],
  [0, '\xff\x0a', 'a JPEG XL image'],
  [4, 'JXL \r\n', 'a JPEG XL image'],
  [4, 'jP  \r\n', 'a JPEG 2000 image'],
  [0, '\xff\x4f\xff\x51', 'a JPEG 2000 image'],
  [0, '\0\0\x01\0', 'an icon (ICO) file'],
  [0, '8BPS', 'a Photoshop document'],
  [0, 'qoif', 'a QOI image'],
  [0, '%PDF', 'a PDF document'],
  [0, 'PK\x03\x04', 'a ZIP archive'],
  [0, '\x1f\x8b', 'a gzip archive'],
  [0, '\x1a\x45\xdf\xa3', 'a Matroska or WebM video'],
  [0, 'version https://git-lfs', 'a Git LFS pointer, not the file itself (git lfs pull fetches that)'],
];

/** ISO base media brands (the four letters after `ftyp`, ISO/IEC 14496-12) that name images; the others are videos. */
const BRANDS: Record<string, string> = {
  heic: 'an HEIC image',
  heix: 'an HEIC image',
  heim: 'an HEIC image',
  heis: 'an HEIC image',
  hevc: 'an HEIC image',
  hevx: 'an HEIC image',
  mif1: 'an HEIF image',
  msf1: 'an HEIF image',
  avif: 'an AVIF image',
  avis: 'an AVIF image',
  'crx ': 'a Canon raw photograph',
};

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}

function textKind(bytes: Uint8Array): string | undefined {
  const start = bytes.subarray(0, 512);
  const controls = start.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27));
  if (controls) return undefined;
  const text = latin1(start, 0, start.length)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase();
  if (text.startsWith('<svg') || (text.startsWith('<?xml') && text.includes('<svg'))) return 'an SVG drawing';
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) return 'a web page (HTML)';
  return 'a text file';
}

/** Tells the format of a file from its content; the file's name plays no part. */
export function fileFormat(bytes: Uint8Array): FileFormat {
  if (latin1(bytes, 0, 2) === '\xff\xd8') return { kind: 'JPEG', label: 'a JPEG image' };
  if (latin1(bytes, 0, 4) === '\x89PNG') return { kind: 'PNG', label: 'a PNG image' };
  for (const [offset, signature, label] of SIGNATURES) {
    if (latin1(bytes, offset, offset + signature.length) === signature) return { kind: 'other', label };
  }
  if (latin1(bytes, 4, 8) === 'ftyp') {
    return { kind: 'other', label: BRANDS[latin1(bytes, 8, 12)] ?? 'a video (MP4 or QuickTime)' };
  }
  return { kind: 'other', label: textKind(bytes) ?? 'in no image format known here' };
}
