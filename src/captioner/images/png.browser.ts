import { Inflate } from 'pako';
import pngjs from 'pngjs/browser.js';

/** pngjs's browser build brings its own Buffer but does not export it; an image that it makes shows the class. */
const Buffer = new pngjs.PNG({ width: 1, height: 1 }).data.constructor;

/**
 * The number of bytes that compressed image data inflate to, or `most` + 1 where they are more. Throws for damaged data.
 * The browser's own DecompressionStream would make every decoding asynchronous.
 */
export function inflatedSize(parts: readonly Uint8Array[], most: number): number {
  // Told the window's bits, pako does not take gzip too.
  const inflator = new Inflate({ windowBits: 15 });
  let size = 0;
  inflator.onData = (chunk) => {
    size += chunk.length;
    if (size > most) throw beyond;
  };
  try {
    for (const part of parts) if (!inflator.ended) inflator.push(part);
  } catch (error) {
    if (error === beyond) return most + 1;
    throw error;
  }
  if (inflator.err !== 0 || !inflator.ended) throw new Error(inflator.msg || 'unexpected end of file');
  return size;
}

/** What ends the inflation of a part in the middle. */
const beyond = new Error('more bytes than were allowed');

/**
 * The pixels of a complete PNG file as RGBA, 8 bits a channel, height × width × 4 bytes. Throws pngjs's own errors.
 * A canvas would lose colour under transparency and apply colour profiles, so that captions could differ from Node's.
 */
export function readPng(bytes: Uint8Array): Uint8Array {
  return pngjs.PNG.sync.read(Buffer.from(bytes)).data;
}
