import { FormatError } from '../../kernels/op/errors.ts';
import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { layerConfigs } from '../../nn/formats/keras-model.ts';

/**
 * Checks that the LSTM's input is the encoding followed by the word, where `model_config` tells. The other order has
 * the same shapes, so nothing else would show that captions come out wrong.
 * @throws FormatError when the word comes first.
 */
export function requireEncodingFirst(model: KerasModel, embeddingLayer: string, lstmLayer: string): void {
  const layers = graph(model);
  const beforeLstm = ancestors(lstmLayer, layers);
  for (const { className, name } of layerConfigs(model.modelConfig)) {
    const inputs = layers.get(name) ?? [];
    if (className !== 'Concatenate' || !beforeLstm.has(name) || inputs.length < 2) continue;
    if (ancestors(inputs[0], layers).has(embeddingLayer)) {
      throw new FormatError(
        `${model.file}: layer ${name} puts the word before the image's encoding, but only the encoding first is supported`,
      );
    }
  }
}

/** Which layers each layer reads, from the `inbound_nodes` of a functional model: [[[name, node, tensor, …], …], …]. */
function graph(model: KerasModel): Map<string, string[]> {
  const inputs = new Map<string, string[]>();
  for (const { config } of layerConfigs(model.modelConfig)) {
    if (!Array.isArray(config.layers)) continue;
    for (const layer of config.layers) {
      const name: unknown = layer?.name ?? layer?.config?.name;
      const nodes: unknown = layer?.inbound_nodes;
      if (typeof name !== 'string' || !Array.isArray(nodes)) continue;
      const names = nodes.flat(1).map((input: unknown) => (Array.isArray(input) ? input[0] : undefined));
      inputs.set(
        name,
        names.filter((input) => typeof input === 'string'),
      );
    }
  }
  return inputs;
}

/** The layer itself and everything that it depends on. */
function ancestors(layer: string, inputs: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set<string>();
  const pending = [layer];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    pending.push(...(inputs.get(next) ?? []));
  }
  return seen;
}
