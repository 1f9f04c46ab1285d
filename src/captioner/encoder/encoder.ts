import type { Device } from '../../kernels/device.ts';
import type { TensorSpec } from '../../kernels/op/spec.ts';
import { stages } from '../../nn/inception-v3/architecture.ts';
import { InceptionV3 } from '../../nn/inception-v3/inception-v3.ts';
import type { HostWeight } from '../../nn/module.ts';
import { capture, type Plan } from '../../tensor/capture.ts';
import { concat, resizeBilinear } from '../../tensor/functions.ts';
import { scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { EncoderConfig } from '../config.ts';
import type { RgbImage } from '../images/rgb-image.ts';
import { normalisePixels, resizeImage } from './preprocess.ts';

/** The pretrained network that looks at an image: pixels to features. It is not trained here. */
export class Encoder {
  readonly config: EncoderConfig;
  readonly #device: Device;
  readonly #network: InceptionV3;
  #plan: Plan<Tensor, Tensor> | null = null;

  /** Builds the network as far as the configured outputs need it. Throws FormatError for weights that do not fit. */
  constructor(device: Device, weights: ReadonlyMap<string, HostWeight>, config: EncoderConfig) {
    this.config = config;
    this.#device = device;
    const last = stages.findLast(({ name }) => config.outputs.includes(name))?.name;
    this.#network = InceptionV3.fromWeights(device, weights, { last }, config.weights);
  }

  /**
   * Features of one image: [1, channels] where pooling is 'average', [1, places, channels] where it is 'grid'. Throws
   * ImageError where the image's data are not height × width × 3.
   */
  features(image: RgbImage): Tensor {
    const { imageSide, reduceTo } = this.config;
    return scope(() => {
      const features = this.#captured().run(resizeImage(this.#device, image, imageSide, reduceTo));
      return features;
    });
  }

  /** Shape and type of the features. */
  featureSpec(): TensorSpec {
    return this.#captured().outputs;
  }

  /** Resolves when {@link features} need not wait for compilation; rejects with KernelError. */
  async ready(): Promise<void> {
    const plan = this.#captured();
    // Kernels serve every size, so that of this image says nothing.
    const image = { shape: [1, 2, 2, 3], dtype: 'float32' } as const;
    const resize = capture(this.#device, image, (x: Tensor) => resizeBilinear(x, 3, 3));
    try {
      await Promise.all([plan.ready(), resize.ready()]);
    } finally {
      resize.dispose();
    }
  }

  dispose(): void {
    this.#plan?.dispose();
    this.#plan = null;
    this.#network.dispose();
  }

  #captured(): Plan<Tensor, Tensor> {
    const { imageSide: side } = this.config;
    const pixels = { shape: [1, side, side, 3], dtype: 'float32' } as const;
    this.#plan ??= capture(this.#device, pixels, (x: Tensor) => this.#look(x));
    return this.#plan;
  }

  #look(pixels: Tensor): Tensor {
    const { outputs, pooling } = this.config;
    const stages = this.#network.forward(normalisePixels(pixels), outputs);
    const chosen = outputs.map((name) => stages.get(name) as Tensor);
    if (pooling === 'average') return concat(chosen.map((output) => output.mean([1, 2])));
    const [grid] = chosen;
    return grid.reshape([1, grid.shape[1] * grid.shape[2], grid.shape[3]]);
  }
}
