/**
 * The configuration of one model as the versions of Keras write it, from the form of Keras 2.2:
 * Keras 1.2.2 keras/engine/topology.py and keras/layers, tf.keras 2.15 keras/src/engine/functional.py and
 * saving/serialization_lib.py, Keras 3 keras/src/models/functional.py and ops/node.py.
 */
export type KerasVersion = '1.2.2' | '2.2.4' | '2.15.0' | '3.4.1';

interface Layer {
  class_name: string;
  name?: string;
  config: Record<string, unknown>;
  inbound_nodes?: [string, number, number, Record<string, unknown>][][];
}

export function inDialect(modelConfig: object, version: KerasVersion): object {
  const layer = modelConfig as Layer;
  switch (version) {
    case '2.2.4':
      return layer;
    case '2.15.0':
      return modern(
        layer,
        'Functional',
        (config) => config,
        (nodes) => nodes,
      );
    case '3.4.1':
      return modern(layer, 'Functional', keras3Config, keras3Nodes);
    case '1.2.2':
      return keras1(layer);
  }
}

/** Both versions tell module and registered name of each layer, and of the initialisers in it. */
function modern(
  layer: Layer,
  functional: string,
  configOf: (config: Record<string, unknown>) => Record<string, unknown>,
  nodesOf: (nodes: NonNullable<Layer['inbound_nodes']>) => unknown,
): object {
  const { class_name, config, name, inbound_nodes: nodes } = layer;
  const inner = config.layers as Layer[] | undefined;
  const layers = inner?.map((one) => modern(one, functional, configOf, nodesOf));
  return {
    module: class_name === 'Model' ? 'keras.src.engine.functional' : 'keras.layers',
    class_name: class_name === 'Model' ? functional : class_name,
    config: { ...configOf(config), trainable: true, ...(layers && { layers }) },
    registered_name: class_name === 'Model' ? functional : null,
    build_config: { input_shape: [null, null] },
    ...(name !== undefined && { name }),
    ...(nodes && { inbound_nodes: nodesOf(nodes) }),
  };
}

function keras3Config({
  batch_input_shape: shape,
  ...config
}: Record<string, unknown>): Record<string, unknown> {
  const dtype = {
    module: 'keras',
    class_name: 'DTypePolicy',
    config: { name: 'float32' },
    registered_name: null,
  };
  return { ...config, ...(shape === undefined ? { dtype } : { batch_shape: shape, dtype: 'float32' }) };
}

function keras3Nodes(nodes: NonNullable<Layer['inbound_nodes']>): unknown {
  return nodes.map((inputs) => {
    const tensors = inputs.map(([name, node, tensor]) => ({
      class_name: '__keras_tensor__',
      config: { shape: [null, 8], dtype: 'float32', keras_history: [name, node, tensor] },
    }));
    return { args: tensors.length > 1 ? [tensors] : tensors, kwargs: inputs[0]?.[3] ?? {} };
  });
}

const keras1Names: Readonly<Record<string, string>> = {
  units: 'output_dim',
  recurrent_activation: 'inner_activation',
  use_bias: 'bias',
  filters: 'nb_filter',
  padding: 'border_mode',
  strides: 'subsample',
  data_format: 'dim_ordering',
  axis: 'concat_axis',
};
const keras1Classes: Readonly<Record<string, string>> = { Concatenate: 'Merge', Conv2D: 'Convolution2D' };

function keras1({ class_name, name, config, inbound_nodes: nodes }: Layer): object {
  const renamed = Object.entries(config).map(([key, value]) => [keras1Names[key] ?? key, value]);
  const layers = (config.layers as Layer[] | undefined)?.map(keras1);
  return {
    class_name: keras1Classes[class_name] ?? class_name,
    ...(name !== undefined && { name }),
    config: {
      ...Object.fromEntries(renamed),
      ...(class_name === 'Concatenate' && { mode: 'concat', mode_type: 'raw', output_shape: null }),
      ...(layers && { layers }),
    },
    ...(nodes && { inbound_nodes: nodes.map((inputs) => inputs.map((input) => input.slice(0, 3))) }),
  };
}
