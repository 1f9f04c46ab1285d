import type { CaptionedImage } from './captioned-image.ts';

/** Parts of a whole set that are held out; the rest is for training. */
export interface HeldOut {
  dev: number;
  test: number;
}

/** 32-bit FNV-1a of the text, mixed by MurmurHash3's finaliser, since FNV alone hardly spreads the last characters. */
function hash(text: string, seed: number): number {
  let state = (0x811c9dc5 ^ seed) >>> 0;
  for (let index = 0; index < text.length; index++) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

/**
 * Divides images into training, development and test sets. An image goes by a hash of its name and the seed, so its
 * place does not depend on the order of the file, and all its captions stay together: by caption, as the original
 * system divided, sentences about one image would be on both sides. Held-out sizes are rounded up.
 */
export function splitImages(records: readonly CaptionedImage[], seed: number, { dev, test }: HeldOut) {
  const keyed = records.map((record) => ({ record, key: hash(record.image, seed) }));
  keyed.sort((a, b) => a.key - b.key || (a.record.image < b.record.image ? -1 : 1));
  const shuffled = keyed.map(({ record }) => record);
  const devEnd = Math.ceil(shuffled.length * dev);
  const testEnd = devEnd + Math.ceil(shuffled.length * test);
  return {
    dev: shuffled.slice(0, devEnd),
    test: shuffled.slice(devEnd, testEnd),
    train: shuffled.slice(testEnd),
  };
}
