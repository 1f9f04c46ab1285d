import { FormatError } from '../../kernels/op/errors.ts';
import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { shapeText, weightPath } from '../../nn/formats/keras-model.ts';
import type { WeightArray } from '../../nn/formats/weights.ts';
import { renamed } from '../../nn/formats/weights.ts';

/** The weights of one innermost layer of a Keras model. */
export interface LayerWeights {
  /** The layer in whose group of the file they lie: the name that `model_config` knows. */
  readonly layer: string;
  /** The part of the path before the parameter: differs from `layer` in cells and nested layers. */
  readonly owner: string;
  readonly parameters: ReadonlyMap<string, WeightArray>;
}

/** Splits a model's weights by innermost layer, in the order of the file. */
export function innermostLayers(model: KerasModel): LayerWeights[] {
  const found: LayerWeights[] = [];
  for (const { name: layer, weights } of model.layers) {
    const byPath = new Map<string, Map<string, WeightArray>>();
    for (const weight of weights) {
      const { parameter } = weightPath(weight.name);
      const path = weight.name.slice(0, -parameter.length - 1);
      const parameters = byPath.get(path) ?? new Map<string, WeightArray>();
      parameters.set(parameter, weight);
      byPath.set(path, parameters);
    }
    for (const [path, parameters] of byPath) {
      found.push({ layer, owner: path.split('/').at(-1) ?? '', parameters });
    }
  }
  return found;
}

/** A size that a shape leaves open, to be learnt from the first weight that has it. */
export const open = -1;

/** One parameter, under our name, after checking its shape. @throws FormatError when it is missing or does not fit. */
export function parameterAs(
  { layer, owner, parameters }: LayerWeights,
  parameter: string,
  name: string,
  shape: readonly number[],
  file: string,
): WeightArray {
  const weight = parameters.get(parameter);
  if (!weight) {
    throw new FormatError(
      `${file}: layer ${layer} (${owner}) has no ${parameter}, only ${[...parameters.keys()].join(', ')}: it is not the captioner's`,
    );
  }
  const fits =
    weight.shape.length === shape.length &&
    shape.every((size, i) => size === open || size === weight.shape[i]);
  if (!fits) {
    const expected = shapeText(shape).replaceAll(String(open), 'any');
    throw new FormatError(
      `${file}: ${weight.name} has the shape ${shapeText(weight.shape)}, but ${name} needs ${expected}: encoder and decoder must come from the same training`,
    );
  }
  return renamed(weight, name);
}

/** Layers as messages list them. */
export function layerList(layers: readonly LayerWeights[]): string {
  return (
    layers.map(({ layer, parameters }) => `${layer} (${[...parameters.keys()].join(', ')})`).join('; ') ||
    'none'
  );
}
