import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { ConvolutionWeights } from '../../cases/inception-v3.ts';
import { inceptionGraph } from '../inception-graph.ts';
import type { Preparations } from '../preparations.ts';
import type { Program } from '../program.ts';
import { type Core, upload } from './arrays.ts';

interface Unit {
  readonly filter: Tensor;
  readonly bias: Tensor;
  readonly stride: number;
  readonly padding: 'same' | 'valid';
}

function uploadUnits(tf: Core, convolutions: readonly ConvolutionWeights[]): Unit[] {
  return convolutions.map(({ kernel, kernelData, bias, stride, padding }) => ({
    filter: upload(tf, { shape: kernel, data: kernelData }),
    bias: upload(tf, { shape: [kernel[3]], data: bias }),
    stride,
    padding,
  }));
}

type PoolAverage = (tf: Core, x: Tensor) => Tensor;

const averagePool: PoolAverage = (tf, x) => tf.avgPool(x, [3, 3], [1, 1], 'same');

/**
 * The same with a gradient that is right. TensorFlow.js 4.22 divides the gradient of a padded average pool by the whole
 * window, where the pool itself divides by what lies inside of the image. Here the padding is an op of its own, and the
 * mean over the whole window is corrected afterwards.
 */
const trainableAveragePool: PoolAverage = (tf, x) => {
  const [, height, width] = x.shape;
  const inside = (at: number, size: number) => (at === 0 || at === size - 1 ? 2 : 3);
  const scale = Float32Array.from({ length: height * width }, (_, place) => {
    const [row, column] = [Math.floor(place / width), place % width];
    return 9 / (inside(row, height) * inside(column, width));
  });
  const padding = [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ];
  const means = tf.avgPool(tf.pad(x, padding), [3, 3], [1, 1], 'valid');
  return tf.mul(means, tf.tensor(scale, [1, height, width, 1], 'float32'));
};

/** The stages from `first` to `last` of x, convolutions fused with their bias and ReLU. Within a tidy. */
function network(
  tf: Core,
  x: Tensor,
  units: readonly Unit[],
  { first, last, pool }: { first: string; last: string; pool: PoolAverage },
): Tensor {
  const operations = {
    convolution(input: Tensor, index: number) {
      const { filter, bias, stride, padding } = units[index];
      return tf.fused.conv2d({
        x: input,
        filter: filter,
        strides: [stride, stride],
        pad: padding,
        bias,
        activation: 'relu',
      });
    },
    maxPool: (input: Tensor) => tf.maxPool(input, [3, 3], [2, 2], 'valid'),
    averagePool: (input: Tensor) => pool(tf, input),
    concat: (parts: Tensor[]) => tf.concat(parts, 3),
  };
  return inceptionGraph<Tensor>(x, operations, first, last);
}

export function inceptionPrograms(tf: Core): Preparations<Program<Tensor>> {
  return {
    inceptionV3({ images, convolutions }) {
      const units = uploadUnits(tf, convolutions);
      const input = upload(tf, images);
      return {
        compute: () =>
          tf.tidy(() => [network(tf, input, units, { first: 'stem1', last: 'mixed10', pool: averagePool })]),
        release() {
          input.dispose();
          for (const { filter, bias } of units) for (const tensor of [filter, bias]) tensor.dispose();
        },
      };
    },
  };
}

/** Tunes the upper part of the network. For backends that have the gradients of convolution. */
export function encoderTraining(tf: Core): Preparations<Program<Tensor>> {
  return {
    encoderTraining({ inputs, first, last, labels, convolutions, from, top, learningRate }) {
      const variables: Variable[] = [];
      const asVariable = (tensor: Tensor) => {
        const variable = tf.variable(tensor);
        variables.push(variable);
        return variable;
      };
      const units = uploadUnits(tf, convolutions).map((unit, index) =>
        index < from ? unit : { ...unit, filter: asVariable(unit.filter), bias: asVariable(unit.bias) },
      );
      const kernel = asVariable(upload(tf, top.kernel));
      const bias = asVariable(upload(tf, top.bias));
      const [entering, classes] = [upload(tf, inputs), upload(tf, labels)];
      const optimiser = tf.train.sgd(learningRate);
      const loss = () => {
        const outputs = network(tf, entering, units, { first, last, pool: trainableAveragePool });
        const features = tf.mean(outputs, [1, 2]);
        const logits = tf.add(tf.matMul(features, kernel), bias);
        return tf.losses.softmaxCrossEntropy(tf.oneHot(classes, top.kernel.shape[1]), logits);
      };
      return {
        trains: true,
        compute: () => tf.tidy(() => [tf.reshape(optimiser.minimize(loss, true, variables), [1])]),
        release() {
          optimiser.dispose();
          for (const { filter, bias: offset } of units)
            for (const tensor of [filter, offset]) tensor.dispose();
          for (const tensor of [kernel, bias, entering, classes]) tensor.dispose();
        },
      };
    },
  };
}
