// @adapters every
// @minutes 15
// Training goes the same way on WebGPU as on the CPU device: the losses of ten steps, each of which needs the weights that
// the steps before it made.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { layOut, type TrainingImage } from '../src/captioner/training/batches.ts';
import { languageParameters } from '../src/captioner/training/language-model.ts';
import { policyLoss } from '../src/captioner/training/self-critical.ts';
import type { FeatureTable } from '../src/captioner/training/teacher-forcing.ts';
import { Trainer } from '../src/captioner/training/trainer.ts';
import type { Device } from '../src/kernels/device.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { requestDevice } from '../src/kernels/request-device.ts';
import { Adam } from '../src/nn/optimisers/adam.ts';
import { clipByGlobalNorm } from '../src/nn/optimisers/clip.ts';
import { Random } from '../src/nn/random.ts';
import { valueAndGradients } from '../src/tensor/autograd.ts';
import { openScope } from '../src/tensor/scope.ts';
import { adapter, webgpuTest } from './adapter.ts';
import { type DecoderKind, randomDecoder } from './small-decoder.ts';

const onWebgpu = webgpuTest(test);
const cpu = await requestDevice({ prefer: 'cpu' });
const devices = { cpu, webgpu: adapter === 'none' ? cpu : await requestDevice({ prefer: 'webgpu' }) };
test.after(() => {
  devices.cpu.destroy();
  devices.webgpu.destroy();
});
const steps = 10;
/** The devices sum in other orders, and each step hands its rounding to the next. */
const tolerance = 1e-4;

const imageCount = 6;
const sizes = { units: 24, embedding: 16, encoding: 12, vocabulary: 40, attention: 10 };
const rates = { encoding: 0.2, embedding: 0.3, output: 0.4 };

/** Images with three sentences of one to nine words each. Ids 2 starts, 3 ends. */
function images(seed: number): TrainingImage[] {
  const draw = new Random(seed);
  return Array.from({ length: imageCount }, (_, features) => ({
    features,
    captions: Array.from({ length: 3 }, () => {
      const words = Array.from({ length: 1 + draw.integer(9) }, () => 4 + draw.integer(36));
      return [2, ...words, 3];
    }),
    weights: Array.from({ length: 3 }, () => draw.uniform(-1, 1)),
  }));
}

function tableOf(kind: DecoderKind): FeatureTable {
  const rowShape = kind === 'average' ? [256] : [49, 256];
  const count = imageCount * rowShape.reduce((product, size) => product * size, 1);
  return { rowShape, data: Float32Array.from(floatSample([count], 5, 0, 1).data) };
}

/** Losses of the steps of a training by teacher forcing, with dropout and words of the model's own. */
async function teacherForcedLosses(device: Device, kind: DecoderKind, blind: boolean): Promise<number[]> {
  const decoder = await randomDecoder(device, kind, 3, sizes, rates);
  const optimiser = new Adam(blind ? languageParameters(decoder) : decoder.trainable());
  const schedule = {
    ...({
      learningRate: 0.01,
      kind: 'cosine',
      warmUp: 2,
      decay: 1,
      decayAfter: 0,
      decayEvery: null,
    } as const),
    ...{ clipNorm: 1, batchImages: 3, labelSmoothing: 0.1, byLength: true },
  };
  const trainer = new Trainer({ device, decoder, optimiser, schedule, epochs: 5, random: new Random(4) });
  const data = {
    train: images(1).map(({ features, captions }) => ({ features, captions })),
    features: blind ? null : tableOf(kind),
  };
  const losses: number[] = [];
  for (let epoch = 1; losses.length < steps; epoch++) {
    let [sum, count] = [0, 0];
    for await (const progress of trainer.epoch(data, { epoch, batches: 0, sum, count })) {
      losses.push((progress.sum - sum) / (progress.count - count));
      ({ sum, count } = progress);
    }
  }
  optimiser.dispose();
  decoder.dispose();
  return losses;
}

/** Losses of the steps up the reward of the same sentences. */
async function policyLosses(device: Device, kind: DecoderKind): Promise<number[]> {
  const decoder = await randomDecoder(device, kind, 3, sizes);
  const optimiser = new Adam(decoder.trainable());
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const opened = openScope();
    const batch = layOut(images(step));
    const loss = () => policyLoss(device, decoder, batch, tableOf(kind), [0, 1, 2]);
    const { value, gradients } = valueAndGradients(loss, optimiser.parameters);
    optimiser.step(clipByGlobalNorm(gradients, 1).gradients, 0.01);
    losses.push(await value.item());
    opened.close();
  }
  optimiser.dispose();
  decoder.dispose();
  return losses;
}

const trainings: Readonly<Record<string, (device: Device) => Promise<number[]>>> = {
  'the plain decoder': (device) => teacherForcedLosses(device, 'average', false),
  attention: (device) => teacherForcedLosses(device, 'attention', false),
  'a language model': (device) => teacherForcedLosses(device, 'average', true),
  'rewards, the plain decoder': (device) => policyLosses(device, 'average'),
  'rewards, attention': (device) => policyLosses(device, 'attention'),
};

for (const [name, train] of Object.entries(trainings)) {
  onWebgpu(`${name}: ten steps have the losses of the CPU device`, async () => {
    const [cpu, webgpu] = [await train(devices.cpu), await train(devices.webgpu)];
    assert.is(cpu.length, steps);
    assert.is(webgpu.length, steps);
    for (const [step, loss] of cpu.entries()) {
      const told = `step ${step + 1}: ${webgpu[step]} on WebGPU, ${loss} on the CPU device`;
      assert.ok(Math.abs(webgpu[step] - loss) < tolerance, told);
    }
    assert.ok(new Set(cpu.map((loss) => loss.toFixed(2))).size > 5, `the steps change the loss: ${cpu}`);
  });
}

test.run();
