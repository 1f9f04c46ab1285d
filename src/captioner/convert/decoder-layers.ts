import { FormatError } from '../../kernels/op/errors.ts';
import type { KerasLayerConfig, KerasModel } from '../../nn/formats/keras-model.ts';
import { layerConfigs } from '../../nn/formats/keras-model.ts';
import { anySetting, type LayerRule, requireKnownLayers, setting } from './known-layers.ts';

/** Layers without weights of which additive attention can be put together in a functional model. */
const attentionClasses = [
  ...['RepeatVector', 'Add', 'Activation', 'Softmax', 'Multiply', 'Dot', 'Permute', 'Lambda'],
  ...['TensorFlowOpLayer', 'TFOpLambda', 'SlicingOpLambda', 'Attention', 'AdditiveAttention'],
];

/**
 * Checks the layers of a decoder that has a configuration.
 * @param given.output name of the layer that scores the words
 * @param given.attention names of the dense layers of the attention; null where there is none
 * @returns what had to be assumed, for the user
 * @throws FormatError naming a layer that changes what the decoder computes.
 */
export function checkDecoderLayers(
  model: KerasModel,
  { output, attention }: { readonly output: string; readonly attention: readonly string[] | null },
): string[] {
  const { file } = model;
  const assumed: string[] = [];
  const linear = setting(file, 'activation', ['linear']);
  // Log probabilities are made of the scores, so a softmax at the end may be there or not.
  const scores = setting(file, 'activation', ['softmax', 'linear']);
  const isAttention = (name: string) => attention?.includes(name) ?? false;
  const rules: Record<string, LayerRule> = {
    Model: anySetting,
    Functional: anySetting,
    Sequential: anySetting,
    InputLayer: anySetting,
    Embedding: anySetting,
    Concatenate: anySetting,
    // Checked by the LSTM's own settings.
    LSTM: anySetting,
    RNN: anySetting,
    LSTMCell: anySetting,
    Reshape: anySetting,
    Flatten: anySetting,
    TimeDistributed: onlyDense(file),
    Dense(layer) {
      if (isAttention(layer.name)) linear(layer);
      else scores(layer);
    },
    Activation: scores,
    Softmax: anySetting,
  };
  if (attention) {
    for (const name of attentionClasses) rules[name] = ({ name }) => void assumed.push(name);
  }
  requireKnownLayers(layerConfigs(model.modelConfig), rules, model);
  if (model.modelConfig && !layerConfigs(model.modelConfig).some(({ name }) => name === output)) {
    throw new FormatError(`${file}: its configuration has no layer ${output}, though its weights have`);
  }
  if (assumed.length === 0) return [];
  return [
    `${file}: its layers ${assumed.join(', ')} are taken to be those of additive attention over W1, W2 and V`,
  ];
}

function onlyDense(file: string): LayerRule {
  return ({ name, children }: KerasLayerConfig) => {
    if (children.length === 1 && children[0].className === 'Dense') return;
    throw new FormatError(
      `${file}: layer ${name} (TimeDistributed) wraps ${children[0]?.className}, but only Dense is supported`,
    );
  };
}
