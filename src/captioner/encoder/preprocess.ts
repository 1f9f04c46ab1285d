import type { Device } from '../../kernels/device.ts';
import { resizeBilinear } from '../../tensor/functions.ts';
import { scope } from '../../tensor/scope.ts';
import { scalar, Tensor } from '../../tensor/tensor.ts';
import type { RgbImage } from '../images/rgb-image.ts';

/**
 * What Keras's InceptionV3 takes: the image resized to side × side, aspect ratio not kept, bilinearly with half-pixel
 * centres and without antialiasing (tf.image.resize of TensorFlow 2), then x / 127.5 − 1 → [1, side, side, 3].
 */
export function preprocess(device: Device, image: RgbImage, side: number): Tensor {
  return scope(() => {
    const pixels = Tensor.from(device, Float32Array.from(image.data), [1, image.height, image.width, 3]);
    const resized = resizeBilinear(pixels, side, side);
    return resized.divide(scalar(device, 127.5)).subtract(scalar(device, 1));
  });
}
