/** Image files to pixels: JPEG and PNG, the same in Node and in browsers. */

export { decodeImage } from './captioner/images/decode-image.ts';
export { toRgbImage } from './captioner/images/picture.ts';
export type { Picture, RgbImage } from './captioner/images/rgb-image.ts';
