import type { Device } from '../../kernels/device.ts';
import { stages } from '../../nn/inception-v3/architecture.ts';
import { InceptionV3 } from '../../nn/inception-v3/inception-v3.ts';
import type { HostWeight } from '../../nn/module.ts';
import { concat } from '../../tensor/functions.ts';
import { scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { EncoderConfig } from '../config.ts';
import type { RgbImage } from '../images/rgb-image.ts';
import { preprocess } from './preprocess.ts';

/** The pretrained network that looks at an image: pixels to features. It is not trained here. */
export class Encoder {
  readonly config: EncoderConfig;
  readonly #device: Device;
  readonly #network: InceptionV3;

  /** Builds the network as far as the configured outputs need it. Throws FormatError for weights that do not fit. */
  constructor(device: Device, weights: ReadonlyMap<string, HostWeight>, config: EncoderConfig) {
    this.config = config;
    this.#device = device;
    const last = stages.findLast(({ name }) => config.outputs.includes(name))?.name;
    this.#network = InceptionV3.fromWeights(device, weights, { last }, config.weights);
  }

  /** Features of one image: [1, channels] where pooling is 'average', [1, places, channels] where it is 'grid'. */
  features(image: RgbImage): Tensor {
    const { imageSide, reduceTo, outputs, pooling } = this.config;
    return scope(() => {
      const stages = this.#network.forward(preprocess(this.#device, image, imageSide, reduceTo), outputs);
      const chosen = outputs.map((name) => stages.get(name) as Tensor);
      if (pooling === 'average') return concat(chosen.map((output) => output.mean([1, 2])));
      const [grid] = chosen;
      return grid.reshape([1, grid.shape[1] * grid.shape[2], grid.shape[3]]);
    });
  }

  dispose(): void {
    this.#network.dispose();
  }
}
