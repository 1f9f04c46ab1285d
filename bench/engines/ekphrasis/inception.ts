import type { Device } from '../../../src/kernels/device.ts';
import { InceptionV3 } from '../../../src/nn/inception-v3/inception-v3.ts';
import { Dense } from '../../../src/nn/layers/dense.ts';
import { sparseCategoricalCrossentropy } from '../../../src/nn/losses.ts';
import type { HostWeight } from '../../../src/nn/module.ts';
import { SGD } from '../../../src/nn/optimisers/sgd.ts';
import { capture, type Plan } from '../../../src/tensor/capture.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import type { ConvolutionWeights } from '../../cases/inception-v3.ts';
import type { Preparations } from '../preparations.ts';
import type { Program } from '../program.ts';
import { upload } from './program.ts';
import { trainingProgram } from './training.ts';

/** The network, or its stages from `first` to `last`, with these weights, batch norms folded. */
function network(
  device: Device,
  convolutions: readonly ConvolutionWeights[],
  first = 'stem1',
  last = 'mixed10',
): InceptionV3 {
  const weights = new Map<string, HostWeight>();
  for (const [index, { kernel, kernelData, bias }] of convolutions.entries()) {
    weights.set(`units.${index}.convolution.kernel`, { shape: kernel, data: kernelData });
    weights.set(`units.${index}.convolution.bias`, { shape: [kernel[3]], data: bias });
  }
  const model = new InceptionV3(device, null, { first, last });
  model.load(weights);
  return model;
}

const features = (model: InceptionV3, x: Tensor, last = 'mixed10') =>
  model.forward(x, [last]).get(last) as Tensor;

export function inceptionPrograms(device: Device): Preparations<Program<Tensor>> {
  return {
    inceptionV3({ images, convolutions }) {
      const model = network(device, convolutions);
      const input = upload(device, images);
      let plan: Plan<Tensor, Tensor> | undefined;
      return {
        compute() {
          // As the captioner's encoder does: the first run settles the kernels and the memory of all that follow.
          plan ??= capture(device, input, (x: Tensor) => features(model, x));
          return [plan.run(input)];
        },
        release() {
          plan?.dispose();
          input.dispose();
          model.dispose();
        },
      };
    },
    encoderTraining({ inputs, first, last, labels, convolutions, from, top, learningRate }) {
      const model = network(device, convolutions, first, last);
      const [channels, classes] = top.kernel.shape;
      const head = new Dense(device, null, { inputs: channels, units: classes });
      head.load(
        new Map<string, HostWeight>([
          ['kernel', top.kernel],
          ['bias', top.bias],
        ]),
      );
      const tuned = [...model.trainable()].filter(([name]) => Number(name.split('.')[1]) >= from);
      const optimiser = new SGD(new Map([...tuned, ...head.trainable()]));
      const [entering, expected] = [upload(device, inputs), upload(device, labels)];
      const loss = () => {
        const scores = head.forward(features(model, entering, last).mean([1, 2]));
        return sparseCategoricalCrossentropy(scores, expected);
      };
      return trainingProgram(loss, optimiser, learningRate, [entering, expected, model, head]);
    },
  };
}
