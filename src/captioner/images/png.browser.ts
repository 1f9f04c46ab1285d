import pngjs from 'pngjs/browser.js';
import type { PngChunks } from './png-chunks.ts';

/** pngjs's browser build brings its own Buffer but does not export it; an image that it makes shows the class. */
const Buffer = new pngjs.PNG({ width: 1, height: 1 }).data.constructor;

/**
 * The pixels of a complete PNG file as RGBA, 8 bits a channel, height × width × 4 bytes. Throws pngjs's own errors.
 * A canvas would lose colour under transparency and apply colour profiles, so that captions could differ from Node's.
 */
export function readPng(bytes: Uint8Array, _chunks: PngChunks): Uint8Array {
  return pngjs.PNG.sync.read(Buffer.from(bytes)).data;
}
