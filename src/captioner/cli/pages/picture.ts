import { encode } from 'jpeg-js';
import { shrinkImage } from '../../images/reduce-image.ts';
import type { RgbImage } from '../../images/rgb-image.ts';

/** A picture as a page holds it. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** A data URL: a JPEG. */
  readonly url: string;
}

/** The image with at most `longest` pixels along its longer edge. `quality` is JPEG's, 1 to 100. */
export function pictureOf(image: RgbImage, longest: number, quality: number): Picture {
  const { width, height, data } = shrinkImage(image, longest);
  const pixels = Buffer.alloc(width * height * 4, 255);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      pixels[4 * pixel + channel] = Math.round(data[3 * pixel + channel]);
    }
  }
  const jpeg = encode({ width, height, data: pixels }, quality).data;
  return { width, height, url: `data:image/jpeg;base64,${jpeg.toString('base64')}` };
}
