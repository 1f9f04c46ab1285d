import type { JsonObject } from './json-fields.ts';
import { isJsonObject } from './json-fields.ts';
import type { WeightArray } from './weights.ts';

/** One layer of a Keras file. A nested model is one layer whose weights are all its inner weights, in file order. */
export interface KerasLayer {
  readonly name: string;
  /** Named by the weight's own path without `:0`, such as `lstm/lstm_cell/kernel`. */
  readonly weights: readonly WeightArray[];
}

/** What a Keras weight file holds, in whichever container it came. Nothing in it is ever executed. */
export interface KerasModel {
  /** The file's name, for messages. */
  readonly file: string;
  /** The architecture as Keras serialised it (`{ class_name, config }`), absent from a `save_weights` file. */
  readonly modelConfig?: JsonObject;
  /** Such as `2.3.0-tf`, where the file says. */
  readonly kerasVersion?: string;
  readonly layers: readonly KerasLayer[];
}

/** The last two parts of a weight's path: `['lstm_cell', 'kernel']` of `lstm/lstm_cell/kernel`. */
export function weightPath(name: string): { owner: string; parameter: string } {
  const parts = name.split('/');
  return { owner: parts.at(-2) ?? '', parameter: parts.at(-1) ?? '' };
}

/** A layer as `model_config` describes it. */
export interface KerasLayerConfig {
  readonly className: string;
  readonly name: string;
  readonly config: JsonObject;
  /** What says which layers it reads, as the version of Keras writes it; undefined in a Sequential. */
  readonly inboundNodes: unknown;
  /** The layers in it: of a nested model, a wrapper or a recurrent layer. */
  readonly children: readonly KerasLayerConfig[];
}

/** The whole model as a layer with others in it, in a list; an empty list where there is no configuration. */
export function layerTree(modelConfig: JsonObject | undefined): KerasLayerConfig[] {
  return layersOf(modelConfig);
}

function layersOf(...nodes: readonly unknown[]): KerasLayerConfig[] {
  return nodes.flatMap((node) => {
    if (!isJsonObject(node) || typeof node.class_name !== 'string') return [];
    // Keras before 2.2.3 wrote a Sequential's config as the bare array of its layers.
    const config = isJsonObject(node.config) ? node.config : { layers: node.config };
    const inner = Array.isArray(config.layers) ? config.layers : [];
    const names = [config.name, node.name].filter((name) => typeof name === 'string');
    const children = layersOf(...inner, config.layer, config.cell);
    return [
      {
        className: node.class_name,
        name: names[0] ?? '',
        config,
        inboundNodes: node.inbound_nodes,
        children,
      },
    ];
  });
}

/** Every layer that `model_config` describes, inner layers (nested models, wrappers, cells) after their outer. */
export function layerConfigs(modelConfig: JsonObject | undefined): KerasLayerConfig[] {
  const flat = (layer: KerasLayerConfig): KerasLayerConfig[] => [layer, ...layer.children.flatMap(flat)];
  return layerTree(modelConfig).flatMap(flat);
}

/** A shape as messages write it: `[3, 3, 32, 64]`. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
