import { FormatError } from '../../kernels/op/errors.ts';
import { inceptionWeights } from '../../nn/formats/inception-weights.ts';
import { shown } from '../../nn/formats/json-fields.ts';
import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { type KerasLayerConfig, layerConfigs } from '../../nn/formats/keras-model.ts';
import type { WeightArray, Weights } from '../../nn/formats/weights.ts';
import { gridSide } from '../../nn/inception-v3/architecture.ts';
import { anySetting, requireKnownLayers, setting } from './known-layers.ts';
import { innermostLayers, layerList, open, parameterAs } from './layer-weights.ts';
import { checkNetworkLayers } from './network-layers.ts';

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
  /** What had to be assumed, for the user. */
  readonly notes: readonly string[];
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
  const { after, notes } = checkNetworkLayers(model, { headless: true });
  const imageSide = inputSide(model) ?? usualImageSide;
  if (inputSide(model) === null) {
    notes.push(
      `${file} tells no size of its input, which is assumed to be ${usualImageSide} × ${usualImageSide} pixels`,
    );
  }
  const side = gridSide(imageSide, 'mixed10');
  const places = side * side;
  if (model.modelConfig) checkHead(after, dense.layer, { units: projectionUnits, places }, model);
  return { inception, projection: [kernel, bias], projectionUnits, imageSide, places, notes };
}

/** After the network comes the dense layer, and then at most another shape of the same numbers in the same order. */
function checkHead(
  layers: readonly KerasLayerConfig[],
  dense: string,
  { units, places }: { readonly units: number; readonly places: number },
  model: KerasModel,
): void {
  const { file } = model;
  if (!layers.some(({ className, name }) => className === 'Dense' && name === dense)) {
    throw new FormatError(
      `${file}: its configuration has no Dense layer ${dense} after the InceptionV3, though its weights have`,
    );
  }
  const relu = setting(file, 'activation', ['relu']);
  requireKnownLayers(
    layers,
    {
      Dense: relu,
      Activation: relu,
      Flatten: anySetting,
      Reshape({ name, config: { target_shape: target } }) {
        const last = Array.isArray(target) ? target.at(-1) : undefined;
        if (last === units || last === places * units || last === -1) return;
        throw new FormatError(
          `${file}: layer ${name} (Reshape) makes the shape ${shown(target)}, but the grid has ${places} places of ${units}, and only these in their order are supported`,
        );
      },
    },
    model,
  );
}

/** Side of the input as the configuration has it, null where it leaves it open or there is none. */
function inputSide({ modelConfig, file }: KerasModel): number | null {
  const shapes = layerConfigs(modelConfig).flatMap(({ className, config }) => {
    // Keras 3 writes batch_shape.
    const shape = config.batch_input_shape ?? config.batch_shape;
    if (Array.isArray(shape) && shape.length === 4) return [shape];
    if (className !== 'InputLayer') return [];
    throw new FormatError(
      `${file}: its InputLayer has the batch_input_shape ${shown(shape)}, but images have four axes, [batch, height, width, 3]`,
    );
  });
  if (modelConfig && shapes.length === 0) {
    throw new FormatError(
      `${file}: none of its layers tells the shape of its input (batch_input_shape or batch_shape)`,
    );
  }
  const open = shapes.every(([, height, width]) => height === null && width === null);
  if (open) return null;
  const [, height, width, colours] =
    shapes.find(([, height, width]) => height !== null || width !== null) ?? [];
  const square = typeof height === 'number' && height === width && gridSide(height, 'mixed10') > 0;
  if (square && colours === 3) return height;
  throw new FormatError(
    `${file}: its input is ${height} × ${width} × ${colours}, but images are resized to a square of at least 75 pixels of 3 colours`,
  );
}
