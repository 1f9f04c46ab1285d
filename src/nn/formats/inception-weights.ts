import { FormatError } from '../../kernels/op/errors.ts';
import { convolutions } from '../inception-v3/architecture.ts';
import type { KerasModel } from './keras-model.ts';
import { shapeText, weightPath } from './keras-model.ts';
import type { WeightArray, Weights } from './weights.ts';
import { renamed, weightsByName } from './weights.ts';

export interface InceptionWeights {
  /**
   * `conv2d_1.kernel` … `conv2d_94.kernel`, `batch_normalization_1.beta`, `.moving_mean`, `.moving_variance` (and
   * `.gamma` where the file scales) … `_94`, and `predictions.kernel` [2048, classes] and `.bias` where there is a
   * top. Numbers count from 1 in the order in which Keras Applications creates the layers.
   */
  readonly weights: Weights;
  /** Names of the file's weights that belong to no part of InceptionV3, such as another head. */
  readonly ignored: readonly string[];
}

/** Layers of one kind by the counter in their name, and each one's parameters. */
type Counted = Map<number, { name: string; parameters: Map<string, WeightArray> }>;

const poolingChannels = 2048;
const requiredNormalisation = ['beta', 'moving_mean', 'moving_variance'];

/**
 * Finds InceptionV3's weights in a Keras model that is, or contains, InceptionV3. Keras numbers unnamed layers through
 * the whole program (`conv2d_95` may be the first; TensorFlow 2 calls the very first one `conv2d`) and files order
 * layers by depth, so layers are sorted by their counter and every shape is then checked against the architecture.
 * @throws FormatError when a layer is missing, in excess or of another shape.
 */
export function inceptionWeights(model: KerasModel): InceptionWeights {
  const kernels: Counted = new Map();
  const normalisations: Counted = new Map();
  const head = new Map<string, WeightArray>();
  const ignored: string[] = [];
  for (const weight of model.layers.flatMap((layer) => layer.weights)) {
    const { owner, parameter } = weightPath(weight.name);
    if (count(kernels, /^conv2d(?:_(\d+))?$/, owner, parameter, weight, model.file)) continue;
    if (
      count(normalisations, /^batch_normalization(?:_v\d)?(?:_(\d+))?$/, owner, parameter, weight, model.file)
    )
      continue;
    if (owner === 'predictions') head.set(parameter, weight);
    else ignored.push(weight.name);
  }
  const found: WeightArray[] = [];
  const kernelLayers = inCreationOrder(kernels, 'convolutions (conv2d_*)', model.file);
  const normalisationLayers = inCreationOrder(
    normalisations,
    'batch normalisations (batch_normalization_*)',
    model.file,
  );
  for (const [i, { kernel }] of convolutions.entries()) {
    const convolution = kernelLayers[i];
    const normalisation = normalisationLayers[i];
    requireParameters(convolution, ['kernel'], [], model.file);
    requireParameters(normalisation, requiredNormalisation, ['gamma'], model.file);
    for (const [parameter, weight] of convolution.parameters) {
      requireShape(weight, kernel, `convolution ${i + 1} of ${convolutions.length}`, model.file);
      found.push(renamed(weight, `conv2d_${i + 1}.${parameter}`));
    }
    for (const [parameter, weight] of normalisation.parameters) {
      requireShape(weight, [kernel[3]], `batch normalisation ${i + 1} of ${convolutions.length}`, model.file);
      found.push(renamed(weight, `batch_normalization_${i + 1}.${parameter}`));
    }
  }
  found.push(...classifier(head, model.file));
  return { weights: weightsByName(found), ignored };
}

function count(
  layers: Counted,
  pattern: RegExp,
  owner: string,
  parameter: string,
  weight: WeightArray,
  file: string,
): boolean {
  const match = pattern.exec(owner);
  if (!match) return false;
  const counter = Number(match[1] ?? 0);
  const layer = layers.get(counter) ?? { name: owner, parameters: new Map<string, WeightArray>() };
  if (layer.name !== owner || layer.parameters.has(parameter)) {
    throw new FormatError(
      `${file} has ${owner}/${parameter} twice or under two names: it holds more than one network, so save the encoder alone`,
    );
  }
  layer.parameters.set(parameter, weight);
  layers.set(counter, layer);
  return true;
}

function inCreationOrder(layers: Counted, what: string, file: string) {
  if (layers.size !== convolutions.length) {
    throw new FormatError(
      `${file} has ${layers.size} ${what}, but InceptionV3 has ${convolutions.length}: give an InceptionV3 of Keras Applications, with or without top`,
    );
  }
  return [...layers.entries()].sort(([a], [b]) => a - b).map(([, layer]) => layer);
}

function requireParameters(
  layer: { name: string; parameters: Map<string, WeightArray> },
  required: readonly string[],
  optional: readonly string[],
  file: string,
): void {
  const names = [...layer.parameters.keys()];
  const missing = required.filter((name) => !names.includes(name));
  const foreign = names.filter((name) => !required.includes(name) && !optional.includes(name));
  if (missing.length || foreign.length) {
    throw new FormatError(
      `${file}: layer ${layer.name} has ${names.join(', ')}, but InceptionV3's has ${required.join(', ')} there: this is another network`,
    );
  }
}

function requireShape(weight: WeightArray, expected: readonly number[], place: string, file: string): void {
  if (weight.shape.length === expected.length && weight.shape.every((size, i) => size === expected[i]))
    return;
  throw new FormatError(
    `${file}: ${weight.name} has the shape ${shapeText(weight.shape)}, but ${place} of InceptionV3 has ${shapeText(expected)}: this is another network, or its layers were renamed`,
  );
}

function classifier(head: Map<string, WeightArray>, file: string): WeightArray[] {
  if (head.size === 0) return [];
  const kernel = head.get('kernel');
  const bias = head.get('bias');
  if (!kernel || !bias || head.size !== 2) {
    throw new FormatError(
      `${file}: predictions has ${[...head.keys()].join(', ')}, but a top has kernel and bias`,
    );
  }
  requireShape(kernel, [poolingChannels, kernel.shape.at(-1) ?? 0], 'the top', file);
  requireShape(bias, [kernel.shape[1]], 'the top', file);
  return [renamed(kernel, 'predictions.kernel'), renamed(bias, 'predictions.bias')];
}
