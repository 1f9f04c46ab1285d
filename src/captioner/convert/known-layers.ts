import { FormatError } from '../../kernels/op/errors.ts';
import { type JsonObject, shown } from '../../nn/formats/json-fields.ts';
import type { KerasLayerConfig, KerasModel } from '../../nn/formats/keras-model.ts';
import { type LayerCall, layerCalls } from './layer-graph.ts';

/** Layers that do nothing once training is over, unless they are told to go on. */
const restingLayers = ['Dropout', 'SpatialDropout1D', 'GaussianDropout', 'GaussianNoise', 'AlphaDropout'];

/** What a layer of one class must be, to be converted: throws a FormatError where it is not. */
export type LayerRule = (layer: KerasLayerConfig) => void;

/**
 * Checks the layers of a configuration one by one, for the weights tell nothing of those that have none.
 * @param rules by class; a layer of another class is refused by its name
 */
export function requireKnownLayers(
  layers: readonly KerasLayerConfig[],
  rules: Readonly<Record<string, LayerRule>>,
  model: KerasModel,
): void {
  const calls: ReadonlyMap<string, LayerCall> = layerCalls(model);
  for (const layer of layers) {
    const { className, name } = layer;
    if (restingLayers.includes(className)) {
      if (!calls.get(name)?.training) continue;
      throw new FormatError(
        `${model.file}: layer ${name} (${className}) goes on after training, which is not supported: build the model without training=True`,
      );
    }
    if (!Object.hasOwn(rules, className)) {
      throw new FormatError(
        `${model.file}: layer ${name} (${className}) changes what the model computes and is none of the original captioner's: only ${Object.keys(rules).join(', ')} are supported here`,
      );
    }
    rules[className](layer);
  }
}

/** Any setting will do. */
export const anySetting: LayerRule = () => undefined;

/**
 * A rule for one member of the configuration. A member that is absent does not fit: another version of Keras may call it by
 * another name.
 */
export function setting(
  file: string,
  member: string,
  expected: readonly unknown[],
  fits = (value: unknown): boolean => expected.includes(value),
): LayerRule {
  return ({ name, className, config }) =>
    requireSetting(config, member, expected, fits, `${file}: layer ${name} (${className})`);
}

function requireSetting(
  config: JsonObject,
  member: string,
  expected: readonly unknown[],
  fits: (value: unknown) => boolean,
  where: string,
): void {
  if (fits(config[member])) return;
  const given =
    config[member] === undefined ? `has no ${member}` : `has the ${member} ${said(config[member])}`;
  throw new FormatError(`${where} ${given}, but only ${expected.map(said).join(' or ')} is supported`);
}

/** Several rules for the layers of one class. */
export function all(...rules: readonly LayerRule[]): LayerRule {
  return (layer) => {
    for (const rule of rules) rule(layer);
  };
}

/** A setting as messages write it: a text without quotation marks. */
export function said(value: unknown): string {
  return typeof value === 'string' ? value : shown(value);
}
