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

/** mixed10 of images, convolutions fused with their bias and ReLU. Within a tidy. */
function network(tf: Core, images: Tensor, units: readonly Unit[]): Tensor {
  return inceptionGraph(images, {
    convolution(x, index) {
      const { filter, bias, stride, padding } = units[index];
      return tf.fused.conv2d({
        x,
        filter,
        strides: [stride, stride],
        pad: padding,
        bias,
        activation: 'relu',
      });
    },
    maxPool: (x) => tf.maxPool(x, [3, 3], [2, 2], 'valid'),
    averagePool: (x) => tf.avgPool(x, [3, 3], [1, 1], 'same'),
    concat: (parts) => tf.concat(parts, 3),
  });
}

export function inceptionPrograms(tf: Core): Preparations<Program<Tensor>> {
  return {
    inceptionV3({ images, convolutions }) {
      const units = uploadUnits(tf, convolutions);
      const input = upload(tf, images);
      return {
        compute: () => tf.tidy(() => [network(tf, input, units)]),
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
    encoderTraining({ images, labels, convolutions, from, top, learningRate }) {
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
      const [pictures, classes] = [upload(tf, images), upload(tf, labels)];
      const optimiser = tf.train.sgd(learningRate);
      const loss = () => {
        const features = tf.mean(network(tf, pictures, units), [1, 2]);
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
          for (const tensor of [kernel, bias, pictures, classes]) tensor.dispose();
        },
      };
    },
  };
}
