import { inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';

/**
 * The number of bytes that compressed image data inflate to, or `most` + 1 where they are more. Throws zlib's errors for
 * damaged data.
 */
export function inflatedSize(parts: readonly Uint8Array[], most: number): number {
  try {
    return inflateSync(Buffer.concat(parts), { maxOutputLength: most }).length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return most + 1;
    throw error;
  }
}

/** The pixels of a complete PNG file as RGBA, 8 bits a channel, height × width × 4 bytes. Throws pngjs's own errors. */
export function readPng(bytes: Uint8Array): Uint8Array {
  return PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).data;
}
