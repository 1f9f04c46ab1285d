import { FormatError } from '../../kernels/op/errors.ts';
import { shown } from '../../nn/formats/json-fields.ts';
import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { layerConfigs } from '../../nn/formats/keras-model.ts';
import { ancestors, layerCalls } from './layer-graph.ts';

/**
 * Checks that the LSTM's input is the encoding followed by the word, where there is a `model_config` to tell. The other
 * order has the same shapes, so nothing else would show that captions come out wrong.
 * @throws FormatError when the word comes first, or the configuration does not tell.
 */
export function requireEncodingFirst(model: KerasModel, embeddingLayer: string, lstmLayer: string): void {
  if (!model.modelConfig) return;
  const calls = layerCalls(model);
  const beforeLstm = ancestors(lstmLayer, calls);
  const holdsWord = (input: string) => ancestors(input, calls).has(embeddingLayer);
  const joining = layerConfigs(model.modelConfig).filter(({ className, name }) => {
    const inputs = calls.get(name)?.inputs ?? [];
    return className === 'Concatenate' && beforeLstm.has(name) && inputs.some(holdsWord);
  });
  if (joining.length !== 1) {
    throw new FormatError(
      `${model.file}: its configuration has ${joining.length} Concatenate layers between the embedding ${embeddingLayer} and ${lstmLayer}, so it does not tell whether encoding or word comes first: give the decoder's one-step model`,
    );
  }
  const [{ name, config }] = joining;
  const order = (calls.get(name)?.inputs ?? []).map(holdsWord);
  if (order.length < 2 || order.indexOf(true) !== order.length - 1) {
    throw new FormatError(
      `${model.file}: layer ${name} puts the word before the image's encoding, but only the encoding first is supported`,
    );
  }
  // The tensors have two or three axes, and the last is that of their numbers.
  if (config.axis !== -1 && config.axis !== 1 && config.axis !== 2) {
    throw new FormatError(
      `${model.file}: layer ${name} joins along axis ${shown(config.axis)}, but only the last is supported`,
    );
  }
}
