import { convolutions } from '../src/nn/inception-v3/architecture.ts';

/** One weight under the path that Keras gives it inside its layer's group, such as `conv2d_3/kernel:0`. */
export interface KerasWeight {
  readonly path: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A weight under the name that our own files give it. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Evenly spread numbers in [-limit, limit], the same ones for the same seed (xorshift32, Marsaglia 2003). */
export function uniform(count: number, limit: number, seed: number): Float32Array {
  const values = new Float32Array(count);
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = (state / 0x80000000) * limit;
  }
  return values;
}

/**
 * A random InceptionV3 by our names, of a scale at which activations neither die nor explode: kernels as He et al.
 * 2015 (arXiv 1502.01852) start them, batch norms near the identity. 21.8 million weights, made once.
 */
export function randomInception(): ReadonlyMap<string, NamedArray> {
  made ??= make();
  return made;
}
let made: Map<string, NamedArray> | undefined;

function make(): Map<string, NamedArray> {
  const weights = new Map<string, NamedArray>();
  for (const [i, { kernel }] of convolutions.entries()) {
    const [height, width, inputs, outputs] = kernel;
    const limit = Math.sqrt(6 / (height * width * inputs));
    const n = i + 1;
    const add = (name: string, shape: readonly number[], data: Float32Array) =>
      weights.set(name, { shape, data });
    add(`conv2d_${n}.kernel`, kernel, uniform(height * width * inputs * outputs, limit, 4 * n));
    add(`batch_normalization_${n}.beta`, [outputs], uniform(outputs, 0.2, 4 * n + 1));
    add(`batch_normalization_${n}.moving_mean`, [outputs], uniform(outputs, 0.2, 4 * n + 2));
    const variance = uniform(outputs, 0.3, 4 * n + 3).map((value) => 1 + value);
    add(`batch_normalization_${n}.moving_variance`, [outputs], variance);
  }
  return weights;
}

export interface InceptionNaming {
  /** The counter of the first layer; 0 is TensorFlow 2's bare `conv2d`. */
  readonly firstCounter?: number;
  /** Whether the network was trainable when it was saved: then all moving statistics follow all other weights. */
  readonly trainable?: boolean;
}

/**
 * The weights of `randomInception` as Keras lists them: numbered from any counter, and ordered by depth in the graph,
 * which interleaves branches (here by taking each stage's layers backwards).
 */
export function kerasInception({ firstCounter = 1, trainable = false }: InceptionNaming = {}): KerasWeight[] {
  const stages = [...new Set(convolutions.map(({ stage }) => stage))];
  const order = stages.flatMap((stage) =>
    convolutions.flatMap((convolution, i) => (convolution.stage === stage ? [i + 1] : [])).reverse(),
  );
  const weights = randomInception();
  const listed = order.flatMap((n) =>
    [
      'conv2d.kernel',
      'batch_normalization.beta',
      'batch_normalization.moving_mean',
      'batch_normalization.moving_variance',
    ].map((name): KerasWeight => {
      const [layer, parameter] = name.split('.');
      const counter = firstCounter + n - 1;
      const array = weights.get(`${layer}_${n}.${parameter}`);
      if (!array) throw new Error(`no ${layer}_${n}.${parameter}`);
      return { path: `${layer}${counter ? `_${counter}` : ''}/${parameter}:0`, ...array };
    }),
  );
  if (!trainable) return listed;
  const moving = ({ path }: KerasWeight) => path.includes('/moving_');
  return [...listed.filter((weight) => !moving(weight)), ...listed.filter(moving)];
}

/** `model_config` of the network: the members that a reader could look at, for every layer. */
export function inceptionConfig(name: string, side: number, { firstCounter = 1 }: InceptionNaming = {}) {
  const layers: object[] = [
    {
      class_name: 'InputLayer',
      name: 'input_2',
      config: { batch_input_shape: [null, side, side, 3], dtype: 'float32', sparse: false, name: 'input_2' },
      inbound_nodes: [],
    },
  ];
  for (const [i, { kernel, stride, padding }] of convolutions.entries()) {
    const suffix = firstCounter + i ? `_${firstCounter + i}` : '';
    layers.push(
      {
        class_name: 'Conv2D',
        name: `conv2d${suffix}`,
        config: {
          name: `conv2d${suffix}`,
          trainable: false,
          filters: kernel[3],
          kernel_size: kernel.slice(0, 2),
          strides: [stride, stride],
          padding,
          data_format: 'channels_last',
          activation: 'linear',
          use_bias: false,
          kernel_initializer: { class_name: 'GlorotUniform', config: { seed: null } },
          kernel_regularizer: null,
        },
        inbound_nodes: [[['input_2', 0, 0, {}]]],
      },
      {
        class_name: 'BatchNormalization',
        name: `batch_normalization${suffix}`,
        config: {
          name: `batch_normalization${suffix}`,
          trainable: false,
          axis: [3],
          momentum: 0.99,
          epsilon: 0.001,
          center: true,
          scale: false,
          beta_initializer: { class_name: 'Zeros', config: {} },
          moving_mean_initializer: { class_name: 'Zeros', config: {} },
          moving_variance_initializer: { class_name: 'Ones', config: {} },
        },
        inbound_nodes: [[[`conv2d${suffix}`, 0, 0, {}]]],
      },
    );
  }
  return { class_name: 'Model', name, config: { name, layers }, inbound_nodes: [[['input_1', 0, 0, {}]]] };
}
