// @minutes 8
// What an encoder is fine-tuned for: gradients from captions, words and features down to the convolutions.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CaptionerConfig, parseCaptionerConfig } from '../src/captioner/config.ts';
import { Decoder } from '../src/captioner/decoder/decoder.ts';
import { FeatureTransform } from '../src/captioner/decoder/feature-transform.ts';
import { CaptionsObjective } from '../src/captioner/training/encoder/captions-objective.ts';
import type { EncoderObjective } from '../src/captioner/training/encoder/encoder-objective.ts';
import { FeaturesObjective } from '../src/captioner/training/encoder/features-objective.ts';
import { JointObjective } from '../src/captioner/training/encoder/joint-objective.ts';
import { WordsObjective } from '../src/captioner/training/encoder/words-objective.ts';
import type { Device } from '../src/kernels/device.ts';
import { EkphrasisError, ShapeError } from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { stageChannels } from '../src/nn/inception-v3/architecture.ts';
import { InceptionV3 } from '../src/nn/inception-v3/inception-v3.ts';
import { Random } from '../src/nn/random.ts';
import { valueAndGradients } from '../src/tensor/autograd.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { checkGradients, type Differentiable } from './gradient-check.ts';
import { smallConfig } from './small-decoder.ts';

const onDevice = await eachDevice(test);

/** A small captioner that reads some stages as the shipped one does, or the grid of one through attention. */
function configOf(outputs: readonly string[], attention: boolean): CaptionerConfig {
  const config = smallConfig(attention ? 'modern' : 'average');
  return parseCaptionerConfig(
    JSON.stringify({ ...config, encoder: { ...config.encoder, outputs } }),
    'the test',
  );
}

/** Two images with three captions; the numbers are those of the images. */
const captions = [
  [
    [1, 4, 5, 2],
    [1, 6, 2],
  ],
  [[1, 3, 4, 6, 2]],
];
const images = [0, 1];

/** What lies below the first stage made of two images: a grid of `side` places, its channels some of them shut. */
function entering(device: Device, side: number, channels: number): Tensor {
  const shape = [2, side, side, channels];
  const data = Float32Array.from(floatSample(shape, 4, -0.5, 1).data, (value) => Math.max(0, value));
  return Tensor.from(device, data, shape);
}

interface Parts {
  readonly network: InceptionV3;
  readonly objective: EncoderObjective;
  readonly x: Tensor;
  readonly outputs: readonly string[];
}

/** The named parameters of network and objective to watch, and the loss of the whole. */
function differentiable(
  { network, objective, x, outputs }: Parts,
  watched: readonly string[],
): Differentiable {
  const all = new Map<string, Tensor>([
    ...[...network.trainable()].map(([name, parameter]) => [`network.${name}`, parameter] as const),
    ...[...objective.trainable()].map(([name, parameter]) => [`objective.${name}`, parameter] as const),
  ]);
  return {
    watched: new Map(watched.map((name) => [name, all.get(name) as Tensor])),
    loss: () => objective.loss(network.forward(x, outputs), images),
    dispose: () => {
      for (const one of [network, objective, x]) one.dispose();
    },
  };
}

onDevice('captions have gradients down to the kernels of mixed6, read as the shipped model reads', (device) =>
  checkGradients(
    device,
    (on) => {
      const outputs = ['mixed7', 'mixed8'];
      const network = new InceptionV3(on, new Random(2), { first: 'mixed6', last: 'mixed8' });
      const objective = new CaptionsObjective(
        new Decoder(on, new Random(3), configOf(outputs, false)),
        captions,
      );
      return differentiable({ network, objective, x: entering(on, 3, 768), outputs }, [
        'network.units.0.convolution.kernel',
        'network.units.3.convolution.kernel',
        'objective.decoder.projection.kernel',
      ]);
    },
    5,
  ),
);

onDevice('captions have gradients down to the kernels of mixed6 through attention', (device) =>
  checkGradients(
    device,
    (on) => {
      const outputs = ['mixed6'];
      const network = new InceptionV3(on, new Random(2), { first: 'mixed6', last: 'mixed6' });
      const objective = new CaptionsObjective(
        new Decoder(on, new Random(3), configOf(outputs, true)),
        captions,
      );
      return differentiable({ network, objective, x: entering(on, 2, 768), outputs }, [
        'network.units.0.convolution.kernel',
        'network.units.8.convolution.kernel',
        'objective.decoder.attention.features.kernel',
      ]);
    },
    5,
  ),
);

const outputs = ['stem2'];
const channels = stageChannels.get('stem2') as number;
const teacherOf = (rowShape: readonly number[]) => ({
  rowShape,
  data: Float32Array.from(floatSample([2, ...rowShape], 8).data),
});
const words = (on: Device) =>
  new WordsObjective(on, new Random(5), {
    channels,
    words: 3,
    targets: Float32Array.of(1, 0, 0.5, 0, 1, 0.25),
  });
const features = (on: Device, ...rowShape: number[]) =>
  new FeaturesObjective(on, new Random(6), { outputs, channels, teacher: teacherOf(rowShape) });

onDevice('words and a teacher’s features have gradients together, each with its weight', (device) =>
  checkGradients(
    device,
    (on) => {
      const network = new InceptionV3(on, new Random(2), { first: 'stem2', last: 'stem2' });
      const objective = new JointObjective({
        words: words(on),
        features: features(on, 5),
        weights: { features: 0.5 },
      });
      return differentiable({ network, objective, x: entering(on, 7, 64), outputs }, [
        'network.units.1.convolution.kernel',
        'objective.words.head.kernel',
        'objective.features.layer.kernel',
      ]);
    },
    8,
  ),
);

onDevice('a joint loss is the weighted sum of those of its parts', async (device) => {
  const joint = new JointObjective({
    words: words(device),
    features: features(device, 5),
    weights: { words: 2, features: 0.5 },
  });
  assert.equal(
    joint.parts.map(({ name, weight }) => [name, weight]),
    [
      ['words', 2],
      ['features', 0.5],
    ],
  );
  const stages = new Map([['stem2', entering(device, 3, channels)]]);
  const [sum, ...parts] = [joint, ...joint.parts.map(({ part }) => part)].map((one) =>
    one.loss(stages, images),
  );
  const expected = 2 * (await parts[0].item()) + 0.5 * (await parts[1].item());
  compare('the sum', await sum.data(), Float64Array.of(expected), 1e-6);
  for (const one of [joint, sum, ...parts, ...stages.values()]) one.dispose();
  await errorOf(EkphrasisError, () => new JointObjective({}));
});

onDevice(
  'a teacher of as many channels is met without a layer, place by place where it has a grid',
  async (device) => {
    const averages = features(device, channels);
    const grid = features(device, 9, channels);
    assert.is(averages.layer, null);
    assert.is(grid.layer, null);
    const stages = new Map([['stem2', entering(device, 3, channels)]]);
    const x = await (stages.get('stem2') as Tensor).data();
    const expected = [averages, grid].map((objective, one) => {
      const rows = objective.rows(images);
      let sum = 0;
      for (let index = 0; index < rows.length; index++) {
        const [image, place, channel] = one
          ? [Math.floor(index / 9 / channels), Math.floor(index / channels) % 9, index % channels]
          : [Math.floor(index / channels), null, index % channels];
        const at = (of: number) => x[(image * 9 + of) * channels + channel];
        const own =
          place === null
            ? Array.from({ length: 9 }, (_, of) => at(of)).reduce((a, b) => a + b) / 9
            : at(place);
        sum += (own - rows[index]) ** 2 / rows.length;
      }
      return sum;
    });
    for (const [index, objective] of [averages, grid].entries()) {
      const loss = objective.loss(stages, images);
      compare('the mean squared error', await loss.data(), Float64Array.of(expected[index]), 1e-6);
      loss.dispose();
    }
    const smaller = new Map([['stem2', entering(device, 2, channels)]]);
    const { message } = await errorOf(ShapeError, () => grid.loss(smaller, images));
    assert.match(message, /the teacher's features are \[2, 9, 192\], those of stem2 \[2, 4, 192\]/);
    for (const one of [...stages.values(), ...smaller.values()]) one.dispose();
  },
);

onDevice('captions at rest are scored by plain cross-entropy, per word', async (device) => {
  const decoder = new Decoder(device, new Random(3), smallConfig('average'));
  const objective = new CaptionsObjective(decoder, captions, { labelSmoothing: 0.2 });
  const plain = new CaptionsObjective(decoder, captions);
  assert.is(objective.terms([0, 1]), 3 + 2 + 4);
  const stages = new Map([['mixed0', entering(device, 2, 256)]]);
  const value = async (one: CaptionsObjective, some: readonly number[]) => {
    const loss = one.loss(stages, some);
    const result = await loss.item();
    loss.dispose();
    return result;
  };
  const rest = await value(objective.train(false), images);
  assert.is(rest, await value(plain, images));
  assert.not.equal(rest, await value(objective.train(), images));
  for (const one of [decoder, ...stages.values()]) one.dispose();
});

onDevice('a feature of 0 has the slope 0 through the square root, not an infinite one', async (device) => {
  const transform = new FeatureTransform(device, 3, ['squareRoot']);
  const x = Tensor.from(device, [0, 0.25, 1]);
  const { value, gradients } = valueAndGradients(() => transform.forward(x).sum(), [x]);
  compare('the sum of the roots', await value.data(), Float64Array.of(1.5), 1e-6);
  compare('the slopes', await gradients[0].data(), Float64Array.of(0, 1, 0.5), 1e-6);
  for (const one of [value, ...gradients, x]) one.dispose();
});

test.run();
