import type { Random } from '../../nn/random.ts';
import type { RgbImage } from './rgb-image.ts';

/** How training images are varied. A kind that is left out is not. */
export interface Augmentation {
  /** Mirrors every second image, left and right exchanged. */
  readonly flip: boolean;
  /** Cuts out a part of at least this share of each side, at any place; 1 keeps the whole. */
  readonly crop: number;
  /** Largest change of brightness, contrast and saturation, as a share: 0.2 multiplies each by 0.8 … 1.2. */
  readonly colour: number;
}

/** The weights of R, G and B in what the eye sees as brightness (ITU-R BT.601). */
const luma = [0.299, 0.587, 0.114] as const;

/** The image varied at random. Every call draws the same count of numbers, whatever is switched on. */
export function augmentImage(
  image: RgbImage,
  { flip, crop, colour }: Augmentation,
  random: Random,
): RgbImage {
  const draw = (low: number, high: number): number => random.uniform(low, high);
  const mirrored = draw(0, 1) < 0.5 && flip;
  const [width, height] = [image.width, image.height].map((side) =>
    Math.max(1, Math.round(side * draw(crop, 1))),
  );
  const left = Math.round(draw(0, 1) * (image.width - width));
  const top = Math.round(draw(0, 1) * (image.height - height));
  const [brightness, contrast, saturation] = [1, 2, 3].map(() => draw(1 - colour, 1 + colour));
  const data = new Uint8Array(width * height * 3);
  let target = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const column = mirrored ? left + width - 1 - x : left + x;
      const source = ((top + y) * image.width + column) * 3;
      const [red, green, blue] = [image.data[source], image.data[source + 1], image.data[source + 2]];
      const grey = luma[0] * red + luma[1] * green + luma[2] * blue;
      for (const value of [red, green, blue]) {
        const saturated = grey + (value - grey) * saturation;
        const changed = ((saturated - 128) * contrast + 128) * brightness;
        data[target++] = Math.min(255, Math.max(0, Math.round(changed)));
      }
    }
  }
  return { width, height, data };
}
