import { inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';
import type { PngChunks } from './png-chunks.ts';

/** pngjs inflates an interlaced image without a bound: a bomb is stopped here first, at twice what the pixels need. */
function checkInflatedSize({ width, height, bitsPerPixel, imageData }: PngChunks): void {
  const maxOutputLength = 64 + 2 * height * (Math.ceil((width * bitsPerPixel) / 8) + 2);
  inflateSync(Buffer.concat(imageData), { maxOutputLength });
}

/** The pixels of a complete PNG file as RGBA, 8 bits a channel, height × width × 4 bytes. Throws pngjs's own errors. */
export function readPng(bytes: Uint8Array, chunks: PngChunks): Uint8Array {
  if (chunks.interlaced) checkInflatedSize(chunks);
  return PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).data;
}
