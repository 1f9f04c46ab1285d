import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import exif from 'exif-reader';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import { exifOrientation } from '../src/captioner/images/exif-orientation.ts';
import { readPng as readPngInBrowser } from '../src/captioner/images/png.browser.ts';
import { readPng } from '../src/captioner/images/png.node.ts';
import { readPngChunks } from '../src/captioner/images/png-chunks.ts';
import type { RgbImage } from '../src/captioner/images/rgb-image.ts';
import { ImageError } from '../src/kernels/op/errors.ts';

const ODD = join('test', 'images', 'odd');
const QUADRANTS = [
  [200, 40, 40],
  [40, 180, 60],
  [40, 60, 200],
  [220, 200, 60],
];

function odd(name: string): Uint8Array {
  return readFileSync(join(ODD, name));
}

/** The colours near the four corners: top left, top right, bottom left, bottom right. */
function corners({ width, height, data }: RgbImage): number[][] {
  const inset = 3;
  return [
    [inset, inset],
    [width - 1 - inset, inset],
    [inset, height - 1 - inset],
    [width - 1 - inset, height - 1 - inset],
  ].map(([x, y]) => [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)]);
}

function isClose(found: number[][], expected: number[][], tolerance: number, what: string): void {
  const difference = Math.max(...found.flat().map((value, i) => Math.abs(value - expected.flat()[i])));
  assert.ok(
    difference <= tolerance,
    `${what}: ${JSON.stringify(found)} is not ${JSON.stringify(expected)} ± ${tolerance}`,
  );
}

/** RGBA pixels of four quadrants, each of half the width and height. */
function quadrantPixels(width: number, height: number, colours: number[][]): Buffer {
  const data = Buffer.alloc(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = colours[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)];
      data.set([colour[0], colour[1], colour[2], colour[3] ?? 255], 4 * (y * width + x));
    }
  }
  return data;
}

function png(colours: number[][], options: Record<string, unknown> = {}): Buffer {
  const image = new PNG({ width: 24, height: 16 });
  image.data = quadrantPixels(24, 16, colours);
  return PNG.sync.write(image, options);
}

function jpegOf(colours: number[][], width = 32, height = 16): Buffer {
  return jpeg.encode({ width, height, data: quadrantPixels(width, height, colours) }, 95).data;
}

/** A TIFF structure that holds the orientation between two other tags. */
function exifBlock(orientation: number, little: boolean): Buffer {
  const block = Buffer.alloc(8 + 2 + 3 * 12 + 4);
  const [short, long] = little
    ? (['writeUInt16LE', 'writeUInt32LE'] as const)
    : (['writeUInt16BE', 'writeUInt32BE'] as const);
  block.write(little ? 'II' : 'MM', 0, 'latin1');
  block[short](42, 2);
  block[long](8, 4);
  block[short](3, 8);
  [
    [0x0103, 6],
    [0x0112, orientation],
    [0x0128, 2],
  ].forEach(([tag, value], i) => {
    const at = 10 + 12 * i;
    block[short](tag, at);
    block[short](3, at + 2);
    block[long](1, at + 4);
    block[short](value, at + 8);
  });
  return block;
}

function withExif(file: Buffer, block: Buffer): Buffer {
  const head = Buffer.from([0xff, 0xe1, 0, block.length + 8, ...Buffer.from('Exif\0\0', 'latin1')]);
  return Buffer.concat([file.subarray(0, 2), head, block, file.subarray(2)]);
}

function pngChunk(type: string, body: Buffer): Buffer {
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
function failure(bytes: Uint8Array, name = 'photo'): string {
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

for (const name of ['progressive', 'cmyk', 'ycck', 'rgb']) {
  test(`${name} JPEG has the right colours`, () => {
    isClose(corners(decodeImage(odd(`${name}.jpg`), name)), QUADRANTS, 3, name);
  });
}

test('a JPEG with subsampled chroma has the right colours', () => {
  isClose(corners(decodeImage(odd('subsampled.jpg'), 'subsampled')), QUADRANTS, 5, 'subsampled');
});

test('CMYK without the Adobe segment is taken as inverted, as browsers do', () => {
  const marked = Buffer.from(odd('cmyk.jpg'));
  assert.is(marked.readUInt16BE(2), 0xffee);
  const bare = Buffer.concat([marked.subarray(0, 2), marked.subarray(4 + marked.readUInt16BE(4))]);
  isClose(corners(decodeImage(bare, 'bare')), QUADRANTS, 3, 'bare');
});

for (const name of ['grey', 'grey-restart']) {
  test(`${name} JPEG gives equal channels of the right luma`, () => {
    // ITU-R BT.601 luma of the four colours.
    const luma = QUADRANTS.map(([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b).map((y) => [y, y, y]);
    isClose(corners(decodeImage(odd(`${name}.jpg`), name)), luma, 2, name);
  });
}

for (const name of readdirSync(ODD).filter((file) => file.endsWith('.png'))) {
  test(`${name} has the right colours, in the browser's reader too`, () => {
    const expected = name.startsWith('grey1') ? [0, 255, 0, 255].map((y) => [y, y, y]) : QUADRANTS;
    const bytes = odd(name);
    assert.equal(corners(decodeImage(bytes, name)), expected);
    const chunks = readPngChunks(bytes, name);
    assert.equal([...readPngInBrowser(bytes, chunks)], [...readPng(bytes, chunks)]);
  });
}

test('transparency is laid over white: RGBA, grey with alpha, 16 bits', () => {
  const colours = [
    [200, 40, 40, 255],
    [200, 40, 40, 0],
    [0, 0, 0, 128],
    [100, 100, 100, 51],
  ];
  const expected = [
    [200, 40, 40],
    [255, 255, 255],
    [127, 127, 127],
    [224, 224, 224],
  ];
  assert.equal(corners(decodeImage(png(colours, { colorType: 6 }), 'rgba')), expected);
  const deep = Uint16Array.from(quadrantPixels(24, 16, colours), (value) => value * 257);
  const image = new PNG({ width: 24, height: 16 });
  image.data = Buffer.from(deep.buffer);
  const bytes = PNG.sync.write(image, { colorType: 6, bitDepth: 16 });
  assert.is(bytes[24], 16, 'the header says 16 bits');
  assert.equal(corners(decodeImage(bytes, 'rgba16')), expected);
  const grey = png(
    [30, 60, 90, 0].map((y, i) => [y, y, y, i === 3 ? 0 : 255]),
    { colorType: 4 },
  );
  assert.equal(
    corners(decodeImage(grey, 'grey+alpha')),
    [30, 60, 90, 255].map((y) => [y, y, y]),
  );
});

test('palette transparency (tRNS) is laid over white', () => {
  const file = Buffer.from(odd('palette8.png'));
  const at = file.indexOf('IDAT') - 4;
  const clear = Buffer.concat([file.subarray(0, at), pngChunk('tRNS', Buffer.alloc(4)), file.subarray(at)]);
  assert.equal(corners(decodeImage(clear, 'clear')), new Array(4).fill([255, 255, 255]));
});

test('rubbish behind the end of an image does no harm', () => {
  const rubbish = Buffer.from('left by some camera');
  assert.equal(corners(decodeImage(Buffer.concat([odd('rgb16.png'), rubbish]), 'png')), QUADRANTS);
  isClose(
    corners(decodeImage(Buffer.concat([odd('progressive.jpg'), rubbish]), 'jpeg')),
    QUADRANTS,
    3,
    'jpeg',
  );
});

/** For orientations 1 to 8, which corner of the scene the stored corners show (EXIF 2.32, table of tag 274). */
const STORED: number[][] = [
  [0, 1, 2, 3],
  [1, 0, 3, 2],
  [3, 2, 1, 0],
  [2, 3, 0, 1],
  [0, 2, 1, 3],
  [1, 3, 0, 2],
  [3, 1, 2, 0],
  [2, 0, 3, 1],
];

STORED.forEach((order, i) => {
  const orientation = i + 1;
  test(`EXIF orientation ${orientation} turns the image upright`, () => {
    const stored = order.map((corner) => QUADRANTS[corner]);
    for (const little of [true, false]) {
      const block = exifBlock(orientation, little);
      assert.is(exif(block).Image?.Orientation, orientation, 'an independent reader agrees on the block');
      const image = decodeImage(withExif(jpegOf(stored), block), 'turned');
      assert.equal([image.width, image.height], orientation >= 5 ? [16, 32] : [32, 16]);
      isClose(corners(image), QUADRANTS, 4, `orientation ${orientation}`);

      const file = png(stored);
      const at = file.indexOf('IDAT') - 4;
      const turned = Buffer.concat([file.subarray(0, at), pngChunk('eXIf', block), file.subarray(at)]);
      assert.equal(corners(decodeImage(turned, 'turned png')), QUADRANTS);
    }
  });
});

test('damaged EXIF counts as upright', () => {
  const good = exifBlock(6, true);
  for (let length = 0; length <= 32; length++)
    assert.is(exifOrientation(good.subarray(0, length)), 1, `${length} bytes`);
  assert.is(exifOrientation(good.subarray(0, 34)), 6);
  for (const value of [0, 9, 65535]) assert.is(exifOrientation(exifBlock(value, false)), 1);
  const far = Buffer.from(good);
  far.writeUInt32LE(0xfffffff0, 4);
  assert.is(exifOrientation(far), 1);
});

test('foreign files are named by their content', () => {
  const foreign: [content: string, named: string][] = [
    ['GIF89a\x01\0\x01\0', 'a GIF image'],
    ['RIFF\x10\0\0\0WEBPVP8 ', 'a WebP image'],
    ['\0\0\0\x18ftypheic\0\0\0\0', 'an HEIC image'],
    ['\0\0\0\x18ftypavif\0\0\0\0', 'an AVIF image'],
    ['\0\0\0\x18ftypisom\0\0\0\0', 'a video (MP4 or QuickTime)'],
    ['BM\x36\0\0\0\0\0', 'a BMP image'],
    ['II*\0\x08\0\0\0', 'a TIFF image or a camera raw file'],
    ['MM\0*\0\0\0\x08', 'a TIFF image or a camera raw file'],
    ['\0\0\0\x0cJXL \r\n\x87\n', 'a JPEG XL image'],
    ['%PDF-1.7', 'a PDF document'],
    ['PK\x03\x04', 'a ZIP archive'],
    ['<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', 'an SVG drawing'],
    ['<!DOCTYPE html><title>404</title>', 'a web page (HTML)'],
    ['version https://git-lfs.github.com/spec/v1\n', 'a Git LFS pointer'],
    ['a man on a horse\n', 'a text file'],
    ['\x01\x02\x03\x04', 'in no image format known here'],
  ];
  for (const [content, named] of foreign) {
    const message = failure(Buffer.from(content, 'latin1'));
    assert.ok(message.startsWith(`photo is ${named}`) && message.includes('only JPEG and PNG'), message);
  }
  assert.match(failure(new Uint8Array(0)), 'is empty');
});

test('a file cut anywhere is refused', () => {
  for (const name of ['subsampled.jpg', 'progressive.jpg', 'rgb16-interlaced.png', 'palette8.png']) {
    const whole = odd(name);
    for (let length = 4; length < whole.length; length++) {
      assert.match(failure(whole.subarray(0, length)), /truncated|broken/, `${name} cut to ${length} bytes`);
    }
  }
});

test('a JPEG whose scan stops early but has an end marker is refused', () => {
  const whole = jpegOf(QUADRANTS, 64, 64);
  const cut = Buffer.concat([whole.subarray(0, whole.length - 40), Buffer.from([0xff, 0xd9])]);
  assert.match(failure(cut), 'is a broken JPEG');
});

test('a damaged file is either decoded or refused by an ImageError', () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (const name of readdirSync(ODD).filter((file) => /\.(png|jpg)$/.test(file))) {
    const whole = Buffer.from(odd(name));
    for (let round = 0; round < 150; round++) {
      const bytes = Buffer.from(whole);
      for (let change = 0; change <= round % 4; change++) bytes[4 + random(bytes.length - 4)] = random(256);
      try {
        decodeImage(bytes, name);
      } catch (error) {
        assert.instance(
          error,
          ImageError,
          `${name}, round ${round}: ${error instanceof Error ? error.stack : error}`,
        );
      }
    }
  }
});

test('an oversized image is refused by its header', () => {
  const bomb = Buffer.from(odd('progressive.jpg'));
  const frame = bomb.indexOf(Buffer.from([0xff, 0xc2]));
  bomb.writeUInt16BE(20000, frame + 5);
  bomb.writeUInt16BE(10000, frame + 7);
  assert.match(
    failure(bomb),
    'photo is too large: 10000×20000 is 200 megapixels and at most 100 are decoded',
  );

  const size = Buffer.alloc(13);
  size.writeUInt32BE(0x7fffffff, 0);
  size.writeUInt32BE(0x7fffffff, 4);
  size.set([8, 2, 0, 0, 0], 8);
  const whole = odd('palette8.png');
  const huge = Buffer.concat([whole.subarray(0, 8), pngChunk('IHDR', size), whole.subarray(33)]);
  assert.match(failure(huge), 'is too large: 2147483647×2147483647');

  bomb.writeUInt16BE(9000, frame + 5);
  assert.match(failure(bomb), /its \d+ bytes cannot hold the 10000×9000 pixels/);

  bomb.writeUInt16BE(0, frame + 5);
  assert.match(failure(bomb), 'declares 10000×0 pixels');
});

test('an interlaced PNG that inflates to far more than its pixels is refused', () => {
  const whole = Buffer.from(odd('rgb8-interlaced.png'));
  const at = whole.indexOf('IDAT') - 4;
  const end = whole.indexOf('IEND') - 4;
  const idat = pngChunk('IDAT', deflateSync(Buffer.alloc(1_000_000)));
  const bomb = Buffer.concat([whole.subarray(0, at), idat, whole.subarray(end)]);
  assert.match(failure(bomb), 'is a broken PNG');
  const tooLarge = (error: Error & { code?: string }) => error.code === 'ERR_BUFFER_TOO_LARGE';
  assert.throws(() => readPng(bomb, readPngChunks(bomb, 'bomb')), tooLarge);
});

test('kinds of JPEG that are not read are named', () => {
  assert.match(failure(odd('arithmetic.jpg')), 'is a JPEG with arithmetic coding');
  const patched = (edit: (bytes: Buffer, frame: number) => void) => {
    const bytes = Buffer.from(odd('subsampled.jpg'));
    edit(bytes, bytes.indexOf(Buffer.from([0xff, 0xc0])));
    return bytes;
  };
  assert.match(failure(patched((bytes, frame) => (bytes[frame + 1] = 0xc3))), 'lossless coding');
  assert.match(failure(patched((bytes, frame) => (bytes[frame + 4] = 12))), 'of 12 bits a sample');
  assert.match(failure(patched((bytes, frame) => (bytes[frame + 9] = 2))), 'of 2 colour components');
});

test("Apple's private PNG variant is named", () => {
  const whole = odd('palette8.png');
  const apple = Buffer.concat([whole.subarray(0, 8), pngChunk('CgBI', Buffer.alloc(4)), whole.subarray(8)]);
  assert.match(failure(apple), 'CgBI');
});

test('the shipped photographs decode to their size', () => {
  const sizes = {
    astronaut: [512, 512],
    cat: [451, 300],
    coffee: [600, 400],
    photographer: [512, 512],
    rocket: [640, 427],
  };
  for (const [name, size] of Object.entries(sizes)) {
    const path = join('test', 'images', `${name}.jpg`);
    assert.ok(existsSync(path));
    const image = decodeImage(readFileSync(path), path);
    assert.equal([image.width, image.height, image.data.length], [...size, 3 * size[0] * size[1]]);
  }
});

test.run();
