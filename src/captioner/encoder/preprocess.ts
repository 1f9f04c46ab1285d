import type { Device } from '../../kernels/device.ts';
import { ImageError } from '../../kernels/op/errors.ts';
import { resizeBilinear } from '../../tensor/functions.ts';
import { scope } from '../../tensor/scope.ts';
import { scalar, Tensor } from '../../tensor/tensor.ts';
import { reduceImage } from '../images/reduce-image.ts';
import type { RgbImage } from '../images/rgb-image.ts';

/** What Keras's InceptionV3 takes: an image as {@link resizeImage} and {@link normalisePixels} make it. */
export function preprocess(
  device: Device,
  image: RgbImage,
  side: number,
  reduceTo: number | null = null,
): Tensor {
  return scope(() => normalisePixels(resizeImage(device, image, side, reduceTo)));
}

/** Pixels from 0 … 255 to −1 … 1: x / 127.5 − 1. */
export function normalisePixels(x: Tensor): Tensor {
  return scope(() => x.divide(scalar(x.device, 127.5)).subtract(scalar(x.device, 1)));
}

/**
 * The image resized to [1, side, side, 3], aspect ratio not kept, bilinearly with half-pixel centres and without
 * antialiasing, as tf.image.resize of TensorFlow 2 does it.
 *
 * With `reduceTo`, a larger image is first averaged down to that side. Without antialiasing a photograph of 12
 * megapixels keeps one pixel in 13 each way, which looks like noise to a network that was trained on small images.
 *
 * Throws ImageError where the image's data are not height × width × 3, such as a canvas's R G B A.
 */
export function resizeImage(
  device: Device,
  image: RgbImage,
  side: number,
  reduceTo: number | null = null,
): Tensor {
  checkPixels(image);
  return scope(() => {
    const { width, height, data } =
      reduceTo === null ? { ...image, data: Float32Array.from(image.data) } : reduceImage(image, reduceTo);
    const pixels = Tensor.from(device, data, [1, height, width, 3]);
    return resizeBilinear(pixels, side, side);
  });
}

function checkPixels({ width, height, data }: RgbImage): void {
  if (width >= 1 && height >= 1 && data?.length === width * height * 3) return;
  throw new ImageError(
    `preprocess: the image is ${width}×${height} with ${data?.length ?? 'no'} numbers of data, and height × width × 3 are ` +
      'expected: R, G and B of every pixel; leave alpha out',
  );
}
