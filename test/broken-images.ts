import * as assert from 'uvu/assert';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import { ImageError } from '../src/kernels/op/errors.ts';

/** A chunk of a PNG file, its checksum included. */
export function pngChunk(type: string, body: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + body.length);
  chunk.writeUInt32BE(body.length, 0);
  chunk.write(type, 4, 'latin1');
  body.copy(chunk, 8);
  let crc = ~0;
  for (const byte of chunk.subarray(4, 8 + body.length)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  chunk.writeUInt32BE(~crc >>> 0, 8 + body.length);
  return chunk;
}

/** The error of decoding, which must be an ImageError of one line that begins with the file's name. */
export function failure(bytes: Uint8Array, name = 'photo'): string {
  try {
    decodeImage(bytes, name);
  } catch (error) {
    assert.instance(error, ImageError, String(error));
    const { message } = error as ImageError;
    assert.ok(message.startsWith(`${name} `) && !message.includes('\n'), message);
    return message;
  }
  throw new Error(`${name} was decoded`);
}
