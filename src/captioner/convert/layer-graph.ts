import type { KerasModel } from '../../nn/formats/keras-model.ts';
import { type KerasLayerConfig, layerTree } from '../../nn/formats/keras-model.ts';

/** How a layer is called in a functional model. */
export interface LayerCall {
  /** Names of the layers that it reads, in the order of its inputs. */
  readonly inputs: readonly string[];
  /** Whether it is told to behave as in training, as dropout that goes on at inference. */
  readonly training: boolean;
}

/**
 * The calls of all layers by name. Keras 2 writes `inbound_nodes` as `[[[name, node, tensor, {arguments}], …], …]`, for
 * TensorFlow's own functions one level flatter, and Keras 3 as `[{ args, kwargs }]` with a `keras_history` in each tensor.
 */
export function layerCalls(model: KerasModel): Map<string, LayerCall> {
  const calls = new Map<string, LayerCall>();
  const visit = (layer: KerasLayerConfig): void => {
    const found = { inputs: [] as string[], training: false };
    collect(layer.inboundNodes, found);
    calls.set(layer.name, found);
    layer.children.forEach(visit);
  };
  layerTree(model.modelConfig).forEach(visit);
  return calls;
}

function collect(node: unknown, found: { inputs: string[]; training: boolean }): void {
  if (Array.isArray(node)) {
    const [name, index, tensor, settings] = node;
    if (typeof name === 'string' && typeof index === 'number' && typeof tensor === 'number') {
      found.inputs.push(name);
      collect(settings, found);
    } else for (const part of node) collect(part, found);
  } else if (typeof node === 'object' && node !== null) {
    for (const [key, value] of Object.entries(node)) {
      if (key === 'training' && value === true) found.training = true;
      collect(value, found);
    }
  }
}

/** The layer itself and everything that it depends on. */
export function ancestors(layer: string, calls: ReadonlyMap<string, LayerCall>): Set<string> {
  const seen = new Set<string>();
  const pending = [layer];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    pending.push(...(calls.get(next)?.inputs ?? []));
  }
  return seen;
}
