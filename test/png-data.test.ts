// What the image data of a PNG inflate to, before any pixel is decoded.
import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import { inflatedSize as inflatedSizeInBrowser } from '../src/captioner/images/png.browser.ts';
import { inflatedSize } from '../src/captioner/images/png.node.ts';
import { readPngChunks } from '../src/captioner/images/png-chunks.ts';
import { failure, pngChunk } from './broken-images.ts';

/** A PNG whose image data are these bytes, compressed and laid into chunks of so many bytes. */
function pngOf(header: readonly number[], inflated: Buffer, chunkBytes = Number.POSITIVE_INFINITY): Buffer {
  const [width, height, depth, colourType, interlaced] = header;
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([depth, colourType, 0, 0, interlaced], 8);
  const data = deflateSync(inflated);
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; at += chunkBytes)
    parts.push(pngChunk('IDAT', data.subarray(at, at + chunkBytes)));
  const signature = readFileSync('test/images/odd/rgb16.png').subarray(0, 8);
  return Buffer.concat([signature, pngChunk('IHDR', size), ...parts, pngChunk('IEND', Buffer.alloc(0))]);
}

test('the image data of a PNG must inflate to exactly its pixels, in Node and in browsers', () => {
  // Columns × rows, depth, colour type, interlaced; and the bytes by the specification, a filter's for each row.
  const cases: [header: number[], bytes: number][] = [
    [[5, 3, 8, 2, 0], 3 * (1 + 15)],
    [[9, 2, 1, 0, 0], 2 * (1 + 2)],
    [[3, 2, 16, 6, 0], 2 * (1 + 24)],
    [[1, 1, 8, 0, 1], 2],
    // Passes of 1 × 1, 1 × 1, 2 × 1, 1 × 2, 3 × 1, 2 × 3 and 5 × 2 pixels.
    [[5, 5, 8, 0, 1], 2 + 2 + 3 + 2 * 2 + 4 + 3 * 3 + 2 * 6],
  ];
  for (const [header, bytes] of cases) {
    const what = header.join(' ');
    for (const chunkBytes of [1, Number.POSITIVE_INFINITY]) {
      const whole = pngOf(header, Buffer.alloc(bytes), chunkBytes);
      assert.is(decodeImage(whole, what).data.length, 3 * header[0] * header[1]);
      for (const size of [0, 1, bytes - 1, bytes + 1, bytes + 70_000]) {
        const wrong = pngOf(header, Buffer.alloc(size), chunkBytes);
        const held = size > bytes ? `more than ${bytes}` : size;
        assert.match(failure(wrong), `is a broken PNG: its image data hold ${held} bytes, and`);
        const { imageData } = readPngChunks(wrong, what);
        for (const inflate of [inflatedSize, inflatedSizeInBrowser])
          assert.is(inflate(imageData, bytes), Math.min(size, bytes + 1), what);
      }
    }
  }
});

test('damaged, cut and foreign compression is refused, in Node and in browsers', () => {
  const data = deflateSync(Buffer.alloc(1000, 'text'));
  const damaged = Buffer.from(data);
  damaged[damaged.length - 1] ^= 1;
  for (const bytes of [
    data.subarray(0, -5),
    damaged,
    gzipSync(Buffer.alloc(1000)),
    Buffer.alloc(20),
    Buffer.alloc(0),
  ]) {
    for (const inflate of [inflatedSize, inflatedSizeInBrowser])
      assert.throws(
        () => inflate([bytes], 1000),
        (error: unknown) => error instanceof Error,
      );
  }
});

test('a PNG of a few bytes that claims to be large, or inflates to much, is refused at once', () => {
  const claim = pngOf([10000, 10000, 8, 2, 0], Buffer.alloc(0));
  assert.ok(claim.length < 100);
  const bomb = pngOf([8, 8, 8, 2, 1], Buffer.alloc(100_000_000));
  const start = performance.now();
  const before = process.memoryUsage().rss;
  assert.match(failure(claim), 'hold 0 bytes, and 10000×10000 pixels take 300010000');
  assert.match(failure(bomb), 'hold more than 207 bytes');
  const { imageData } = readPngChunks(bomb, 'bomb');
  assert.is(inflatedSizeInBrowser(imageData, 207), 208);
  // Decoded, the two took 9 seconds and 1.5 GB.
  assert.ok(performance.now() - start < 3000);
  assert.ok(process.memoryUsage().rss - before < 200e6);
});

test('a PNG with two header chunks is refused', () => {
  const whole = pngOf([1, 1, 8, 0, 0], Buffer.alloc(2));
  const twice = Buffer.concat([whole.subarray(0, 33), whole.subarray(8)]);
  assert.match(failure(twice), 'it has two header chunks');
});

test.run();
