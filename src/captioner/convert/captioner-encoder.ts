import { FormatError } from '../../kernels/op/errors.ts';
import { inceptionWeights } from '../../nn/formats/inception-weights.ts';
import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { layerConfigs } from '../../nn/formats/keras-model.ts';
import type { WeightArray, Weights } from '../../nn/formats/weights.ts';
import { gridSide } from '../../nn/inception-v3/architecture.ts';
import { innermostLayers, layerList, open, parameterAs } from './layer-weights.ts';

/** An encoder of the original captioner: InceptionV3 without top, then a dense layer over the channels. */
export interface CaptionerEncoder {
  readonly inception: Weights;
  /** `projection.kernel` [2048, units] and `projection.bias` [units]. */
  readonly projection: readonly WeightArray[];
  readonly projectionUnits: number;
  /** Side of the input in pixels. */
  readonly imageSide: number;
  /** Places of mixed10's grid for that input. */
  readonly places: number;
}

const channels = 2048;
const usualImageSide = 299;

/** @throws FormatError when the file is not such an encoder. */
export function readCaptionerEncoder(model: KerasModel): CaptionerEncoder {
  const { file } = model;
  const { weights: inception } = inceptionWeights(model);
  const others = innermostLayers(model).filter(
    ({ owner }) => !/^(conv2d|batch_normalization)(_|$)/.test(owner),
  );
  const [dense] = others;
  if (others.length !== 1) {
    throw new FormatError(
      `${file}: beside InceptionV3, an encoder has one dense layer, but here is ${layerList(others)}: give the captioner's encoder file`,
    );
  }
  const kernel = parameterAs(dense, 'kernel', 'projection.kernel', [channels, open], file);
  const projectionUnits = kernel.shape[1];
  const bias = parameterAs(dense, 'bias', 'projection.bias', [projectionUnits], file);
  const configs = layerConfigs(model.modelConfig);
  const activation = configs.find(({ name }) => name === dense.layer)?.config.activation;
  if (activation !== undefined && activation !== 'relu') {
    throw new FormatError(
      `${file}: layer ${dense.layer} has the activation ${String(activation)}, but only relu is supported`,
    );
  }
  const imageSide = inputSide(configs, file);
  const side = gridSide(imageSide, 'mixed10');
  return { inception, projection: [kernel, bias], projectionUnits, imageSide, places: side * side };
}

function inputSide(configs: ReturnType<typeof layerConfigs>, file: string): number {
  for (const { config } of configs) {
    const shape = config.batch_input_shape;
    if (!Array.isArray(shape) || shape.length !== 4) continue;
    const [, height, width] = shape;
    if (height === null && width === null) continue;
    if (typeof height === 'number' && height === width && gridSide(height, 'mixed10') > 0) return height;
    throw new FormatError(
      `${file}: its input is ${height} × ${width}, but images are resized to a square of at least 75 pixels`,
    );
  }
  return usualImageSide;
}
