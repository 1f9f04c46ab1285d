import { FormatError } from '../../kernels/op/errors.ts';
import { shown } from '../../nn/formats/json-fields.ts';
import type { KerasLayerConfig, KerasModel } from '../../nn/formats/keras-model.ts';
import { layerTree } from '../../nn/formats/keras-model.ts';
import { all, anySetting, type LayerRule, requireKnownLayers, setting } from './known-layers.ts';

const isConvolution = ({ className }: KerasLayerConfig): boolean => className === 'Conv2D';

/** What of InceptionV3's own layers has to be as Keras Applications makes it. */
function networkRules(file: string): Record<string, LayerRule> {
  const near = (expected: number) => (value: unknown) =>
    typeof value === 'number' && Math.abs(value - expected) < 1e-9;
  const layout = setting(file, 'data_format', ['channels_last']);
  return {
    InputLayer: anySetting,
    Conv2D: all(setting(file, 'activation', ['linear']), layout),
    BatchNormalization: setting(file, 'epsilon', [0.001], near(0.001)),
    Activation: setting(file, 'activation', ['relu']),
    MaxPooling2D: layout,
    AveragePooling2D: layout,
    Concatenate: anySetting,
  };
}

/**
 * Checks the layers of the InceptionV3 in a model that has a configuration, and those that images pass before it.
 * @param given.headless whether nothing may follow the convolutions but what the network itself has
 * @returns the layers after it, in the configuration's order, and what had to be assumed
 * @throws FormatError naming a layer that changes what the network computes.
 */
export function checkNetworkLayers(
  model: KerasModel,
  { headless }: { readonly headless: boolean },
): { after: readonly KerasLayerConfig[]; notes: string[] } {
  if (!model.modelConfig) return { after: [], notes: [] };
  const outer = layerTree(model.modelConfig)[0]?.children ?? [];
  const place = outer.findIndex((layer) => isConvolution(layer) || layer.children.some(isConvolution));
  if (place < 0) {
    throw new FormatError(
      `${model.file}: its configuration has no Conv2D layer, so it is not that of an InceptionV3 of Keras 2 or 3`,
    );
  }
  const rules = networkRules(model.file);
  const known = ({ className }: KerasLayerConfig) => Object.hasOwn(rules, className);
  const nested = !isConvolution(outer[place]);
  const from = nested ? outer[place].children : outer.slice(place);
  const convolutional = from.slice(0, from.findLastIndex(isConvolution) + 1);
  const whole = nested ? from : from.filter(known);
  requireKnownLayers(headless ? whole : convolutional, rules, model);
  const after = nested ? outer.slice(place + 1) : from.filter((layer) => !known(layer));
  return { after, notes: preparation(outer.slice(0, place), model) };
}

/** Layers before the network must do what is done to pixels here: x / 127.5 − 1. */
function preparation(layers: readonly KerasLayerConfig[], model: KerasModel): string[] {
  const { file } = model;
  const notes: string[] = [];
  requireKnownLayers(
    layers,
    {
      InputLayer: anySetting,
      Rescaling({ name, config: { scale, offset } }) {
        const fits =
          typeof scale === 'number' && typeof offset === 'number' && Math.abs(scale * 127.5 - 1) < 1e-5;
        if (fits && Math.abs(offset + 1) < 1e-5) return;
        throw new FormatError(
          `${file}: layer ${name} (Rescaling) has the scale ${shown(scale)} and the offset ${shown(offset)}, but pixels are prepared by 1/127.5 and −1`,
        );
      },
      Lambda({ name }) {
        if (name !== 'preprocessing_layer') {
          throw new FormatError(
            `${file}: layer ${name} (Lambda) holds a program, which is never run here: save the model without it`,
          );
        }
        notes.push(
          `${file}: the program in its layer ${name} is not run; it is taken to prepare pixels as InceptionV3 wants them, x / 127.5 − 1`,
        );
      },
    },
    model,
  );
  return notes;
}
