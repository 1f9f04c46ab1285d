import type { ConvolutionWeights } from '../../cases/inception-v3.ts';
import type { HostArray } from '../../workload.ts';
import { imagesChannelsFirst, imagesChannelsLast, kernelFiltersFirst } from '../channels-first.ts';
import { inceptionGraph } from '../inception-graph.ts';
import type { Preparations } from '../preparations.ts';
import type { Graph, Initialiser, Node } from './onnx-model.ts';

/** A workload as a model and its inputs; constants are what an owner of a model would bake into it. */
export interface OnnxWork {
  readonly graph: Graph;
  /** By name. */
  readonly feeds: Readonly<Record<string, HostArray>>;
  /** Brings an output into the benchmark's layout; not timed. */
  readonly restore?: (output: HostArray) => HostArray;
}

interface Places {
  readonly stride: 1 | 2;
  readonly padding: 'same' | 'valid';
}

const convolutionAttributes = ([height, width]: readonly number[], { stride, padding }: Places) => ({
  kernel_shape: [height, width],
  strides: [stride, stride],
  auto_pad: padding === 'same' ? 'SAME_UPPER' : 'VALID',
});

const maxPoolAttributes = { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'VALID' };
// Without `count_include_pad` the padding is not counted.
const averagePoolAttributes = { kernel_shape: [3, 3], strides: [1, 1], auto_pad: 'SAME_UPPER' };

const constant = (name: string, { shape, data }: HostArray): Initialiser => ({ name, shape, data });

/** One node from inputs to outputs; onnxruntime is told the shapes of the outputs by itself, so they may be left empty. */
function single(
  node: Node,
  feeds: Readonly<Record<string, HostArray>>,
  initialisers: readonly Initialiser[],
  outputShapes: readonly (readonly number[])[],
): Graph {
  const inputs = Object.entries(feeds).map(([name, { shape, data }]) => ({
    name,
    shape,
    integers: data instanceof Int32Array,
  }));
  const outputs = node.outputs.map((name, index) => ({ name, shape: outputShapes[index] }));
  return { nodes: [node], inputs, outputs, initialisers };
}

/** InceptionV3, its ReLUs as nodes of their own: onnxruntime fuses them when it reads the model. */
function inception(images: HostArray, convolutions: readonly ConvolutionWeights[]): OnnxWork {
  const nodes: Node[] = [];
  const initialisers: Initialiser[] = [];
  let count = 0;
  const add = (operator: string, inputs: string[], attributes?: Node['attributes']): string => {
    const name = `v${count++}`;
    nodes.push({ operator, inputs, outputs: [name], attributes });
    return name;
  };
  const mixed10 = inceptionGraph('images', {
    convolution(x, index) {
      const { kernel, kernelData, bias, ...places } = convolutions[index];
      const [weights, offset] = [`kernel${index}`, `bias${index}`];
      initialisers.push(
        constant(weights, kernelFiltersFirst({ shape: kernel, data: kernelData })),
        constant(offset, { shape: [kernel[3]], data: bias }),
      );
      return add('Relu', [add('Conv', [x, weights, offset], convolutionAttributes(kernel, places))]);
    },
    maxPool: (x) => add('MaxPool', [x], maxPoolAttributes),
    averagePool: (x) => add('AveragePool', [x], averagePoolAttributes),
    concat: (parts) => add('Concat', parts, { axis: 1 }),
  });
  const pictures = imagesChannelsFirst(images);
  return {
    graph: {
      nodes,
      initialisers,
      inputs: [{ name: 'images', shape: pictures.shape }],
      outputs: [{ name: mixed10, shape: [images.shape[0], 2048, 8, 8] }],
    },
    feeds: { images: pictures },
    restore: imagesChannelsLast,
  };
}

/** What onnxruntime is given of each kind of work. */
export const onnxWorks: Preparations<OnnxWork> = {
  matmul({ a, b }) {
    const shape = [...a.shape.slice(0, -1), b.shape[b.shape.length - 1]];
    const node = { operator: 'MatMul', inputs: ['a', 'b'], outputs: ['y'] };
    return { graph: single(node, { a, b }, [], [shape]), feeds: { a, b } };
  },
  conv2d({ x, kernel, bias, stride, padding }) {
    const feeds = { x: imagesChannelsFirst(x) };
    const convolution: Node = {
      operator: 'Conv',
      inputs: ['x', 'kernel', 'bias'],
      outputs: ['sum'],
      attributes: convolutionAttributes(kernel.shape, { stride, padding }),
    };
    const relu: Node = { operator: 'Relu', inputs: ['sum'], outputs: ['y'] };
    const side = (size: number, window: number) =>
      padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - window) / stride) + 1;
    const [count, height, width] = x.shape;
    const [windowHeight, windowWidth, , filters] = kernel.shape;
    return {
      graph: {
        nodes: [convolution, relu],
        inputs: [{ name: 'x', shape: feeds.x.shape }],
        outputs: [
          { name: 'y', shape: [count, filters, side(height, windowHeight), side(width, windowWidth)] },
        ],
        initialisers: [constant('kernel', kernelFiltersFirst(kernel)), constant('bias', bias)],
      },
      feeds,
      restore: imagesChannelsLast,
    };
  },
  pool({ operation, x }) {
    const feeds = { x: imagesChannelsFirst(x) };
    const [count, channels, height, width] = feeds.x.shape;
    const largest = operation === 'max';
    const halve = (size: number) => (largest ? Math.floor((size - 3) / 2) + 1 : size);
    const node: Node = {
      operator: largest ? 'MaxPool' : 'AveragePool',
      inputs: ['x'],
      outputs: ['y'],
      attributes: largest ? maxPoolAttributes : averagePoolAttributes,
    };
    const shape = [count, channels, halve(height), halve(width)];
    return { graph: single(node, feeds, [], [shape]), feeds, restore: imagesChannelsLast };
  },
  softmax({ x }) {
    const node: Node = { operator: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: { axis: -1 } };
    return { graph: single(node, { x }, [], [x.shape]), feeds: { x } };
  },
  embedding({ table, ids }) {
    const node: Node = {
      operator: 'Gather',
      inputs: ['table', 'ids'],
      outputs: ['y'],
      attributes: { axis: 0 },
    };
    const shape = [...ids.shape, table.shape[1]];
    return { graph: single(node, { ids }, [constant('table', table)], [shape]), feeds: { ids } };
  },
  inceptionV3: ({ images, convolutions }) => inception(images, convolutions),
};
