// What a decoder may have beside its sizes: dense first state of attention, gate, second layer, deep output, tied words; and
// what its training may minimise and feed.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCaptionerConfig } from '../src/captioner/config.ts';
import { Decoder, type DecoderState } from '../src/captioner/decoder/decoder.ts';
import { type Batch, layOut, previousRows, sentenceOfRows } from '../src/captioner/training/batches.ts';
import { scheduledInputs } from '../src/captioner/training/scheduled-sampling.ts';
import {
  type FeatureTable,
  type Objective,
  teacherForcingLoss,
} from '../src/captioner/training/teacher-forcing.ts';
import { Trainer } from '../src/captioner/training/trainer.ts';
import type { Device } from '../src/kernels/device.ts';
import { UnsupportedError } from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import type { HostWeight } from '../src/nn/module.ts';
import { SGD } from '../src/nn/optimisers/sgd.ts';
import { Random } from '../src/nn/random.ts';
import { argmax } from '../src/tensor/functions.ts';
import { openScope, scope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { checkGradients } from './gradient-check.ts';
import { type DecoderKind, type DecoderOptions, randomDecoder, smallConfig } from './small-decoder.ts';

const onDevice = await eachDevice(test);

interface Case {
  readonly kind: DecoderKind;
  readonly options?: DecoderOptions;
  readonly objective?: Objective;
}

const deep = { outputFrom: 'hidden+context+word' } as const;
const cases: Readonly<Record<string, Case>> = {
  plain: { kind: 'average' },
  'smoothed labels': { kind: 'average', objective: { labelSmoothing: 0.2 } },
  'average, two layers': { kind: 'average', options: { layers: 2 } },
  'average, deep': { kind: 'average', options: deep },
  'average, tied': { kind: 'average', options: { tied: true } },
  attention: { kind: 'attention' },
  'attention, doubly stochastic': { kind: 'attention', objective: { doublyStochastic: 3 } },
  'attention, dense first state': { kind: 'attention', options: { initialState: 'dense' } },
  'attention, gate': { kind: 'attention', options: { gate: true } },
  'attention, deep, gate': { kind: 'attention', options: { ...deep, gate: true } },
  'all together': { kind: 'modern', objective: { labelSmoothing: 0.1, doublyStochastic: 2 } },
};

/** Three images with sentences of one to four words: ids 2 starts, 3 ends. */
const batch = layOut([
  {
    features: 0,
    captions: [
      [2, 4, 5, 6, 3],
      [2, 6, 3],
    ],
  },
  {
    features: 2,
    captions: [
      [2, 3],
      [2, 5, 5, 3],
      [2, 4, 6, 5, 3],
    ],
  },
  { features: 1, captions: [[2, 6, 4, 3]] },
]);

/** Features of three images: nine places of few values, or an average. */
function tableOf(kind: DecoderKind): FeatureTable {
  const rowShape = kind === 'average' ? [256] : [9, 256];
  const count = 3 * rowShape.reduce((product, size) => product * size, 1);
  return { rowShape, data: Float32Array.from(floatSample([count], 5, 0, 1).data) };
}

for (const [name, { kind, options, objective }] of Object.entries(cases)) {
  onDevice(`${name}: the gradients of all weights`, (device) =>
    checkGradients(device, (on) => {
      const decoder = new Decoder(on, new Random(4), smallConfig(kind, { options }));
      const table = tableOf(kind);
      return {
        watched: decoder.trainable(),
        loss: () => teacherForcingLoss(on, decoder, batch, table, objective),
        dispose: () => decoder.dispose(),
      };
    }),
  );

  onDevice(`${name}: sentences laid out together are what each is alone`, async (device) => {
    const opened = openScope();
    const decoder = await randomDecoder(device, kind, 7, { options });
    const all = decoder.encode(featuresOf(device, kind));
    const together = decoder.select(all, Tensor.from(device, batch.sentenceImage));
    const words = decoder.projectWords(Tensor.from(device, batch.inputs));
    const { output } = decoder.sequence(words, together, batch.active);
    const found = await output.data();
    const width = output.shape[1];
    for (const [row, sentence] of sentenceOfRows(batch).entries()) {
      const state = stepAlone(device, decoder, rowsOf(batch, row), batch.sentenceImage[sentence], kind);
      const part = Float64Array.from(found.subarray(row * width, (row + 1) * width));
      compare(`row ${row}`, await state.output.data(), part, 1e-5);
    }
    decoder.dispose();
    opened.close();
  });

  onDevice(`${name}: what was saved loads, and its config says what it is`, async (device) => {
    const decoder = await randomDecoder(device, kind, 9, { options });
    const config = smallConfig(kind, { options });
    const text = JSON.stringify(config);
    assert.equal(parseCaptionerConfig(text, 'config.json'), config);
    const saved = await decoder.save();
    const other = new Decoder(device, null, parseCaptionerConfig(text, 'config.json'));
    other.load(saved);
    const losses = [decoder, other].map((each) =>
      scope(() => teacherForcingLoss(device, each, batch, tableOf(kind))),
    );
    assert.is(await losses[0].item(), await losses[1].item());
    const { tied } = config.decoder;
    const size = config.decoder.vocabulary;
    const large = [...saved].filter(([, { shape }]) => shape.length === 2 && shape.includes(size));
    assert.equal(large.map(([at]) => at).sort(), [
      'embedding.embeddings',
      ...(tied ? [] : ['output.kernel']),
    ]);
    for (const tensor of [...losses, decoder, other]) tensor.dispose();
  });
}

function featuresOf(device: Device, kind: DecoderKind): Tensor {
  const { rowShape, data } = tableOf(kind);
  // In the order in which the batch has them.
  const width = data.length / 3;
  const ordered = [...batch.images].flatMap((image) => [
    ...data.subarray(image * width, (image + 1) * width),
  ]);
  return Tensor.from(device, Float32Array.from(ordered), [3, ...rowShape]);
}

/** The words that lead to a row of a batch, its own the last. */
function rowsOf(given: Batch, row: number): number[] {
  const previous = previousRows(given);
  const words: number[] = [];
  for (let at = row; at >= 0; at = previous[at]) words.unshift(given.inputs[at]);
  return words;
}

/** The state after some words about an image, one step after the other. */
function stepAlone(
  device: Device,
  decoder: Decoder,
  ids: number[],
  image: number,
  kind: DecoderKind,
): DecoderState {
  return scope(() => {
    const one = decoder.select(
      decoder.encode(featuresOf(device, kind)),
      Tensor.from(device, Int32Array.of(image)),
    );
    let state = decoder.initialState(one);
    for (const id of ids) {
      state = decoder.advance(decoder.projectWords(Tensor.from(device, Int32Array.of(id))), one, state);
    }
    return state as DecoderState;
  });
}

test('rows know their sentence and the row before', () => {
  assert.equal(batch.active, [6, 5, 4, 2]);
  assert.equal([...sentenceOfRows(batch)], [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1]);
  assert.equal([...previousRows(batch)], [-1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12]);
});

onDevice('the first state of attention is made of the mean place of the image', async (device) => {
  const decoder = await randomDecoder(device, 'attention', 3, { options: { initialState: 'dense' } });
  const saved = await decoder.save();
  const opened = openScope();
  const encoding = decoder.encode(featuresOf(device, 'attention'));
  const { h } = decoder.initialState(decoder.select(encoding, Tensor.from(device, Int32Array.of(2, 0))));
  const grid = await encoding.features.data();
  const [kernel, bias] = ['kernel', 'bias'].map(
    (name) => (saved.get(`initialHidden.${name}`) as HostWeight).data,
  );
  const expected = Float64Array.from({ length: 8 }, (_, index) => {
    let sum = bias[index % 4];
    for (let channel = 0; channel < 3; channel++) {
      let mean = 0;
      for (let place = 0; place < 9; place++)
        mean += grid[((index < 4 ? 2 : 0) * 9 + place) * 3 + channel] / 9;
      sum += mean * kernel[channel * 4 + (index % 4)];
    }
    return Math.tanh(sum);
  });
  compare('h', await h.data(), expected, 1e-5);
  opened.close();
  decoder.dispose();
});

onDevice('the penalty is that of the weights summed over time', async (device) => {
  const decoder = await randomDecoder(device, 'attention', 6);
  const opened = openScope();
  const table = tableOf('attention');
  const losses = [{}, { doublyStochastic: 0.5 }].map((objective) =>
    teacherForcingLoss(device, decoder, batch, table, objective),
  );
  const encoding = decoder.select(
    decoder.encode(featuresOf(device, 'attention')),
    Tensor.from(device, batch.sentenceImage),
  );
  const words = decoder.projectWords(Tensor.from(device, batch.inputs));
  const weights = await (decoder.sequence(words, encoding, batch.active).weights as Tensor).data();
  const sums = new Float64Array(6 * 9);
  for (const [row, sentence] of sentenceOfRows(batch).entries()) {
    for (let place = 0; place < 9; place++) sums[sentence * 9 + place] += weights[row * 9 + place];
  }
  const penalty = sums.reduce((total, sum) => total + (1 - sum) ** 2, 0) / sums.length;
  const [plain, penalised] = await Promise.all(losses.map((loss) => loss.item()));
  assert.ok(
    Math.abs(penalised - plain - 0.5 * penalty) < 1e-5,
    `${penalised - plain}, expected ${0.5 * penalty}`,
  );
  opened.close();
  decoder.dispose();
  const without = await randomDecoder(device, 'average', 6);
  const message = /has no attention; set it to 0/;
  const failed = await errorOf(UnsupportedError, () =>
    scope(() => void teacherForcingLoss(device, without, batch, tableOf('average'), { doublyStochastic: 1 })),
  );
  assert.match(failed.message, message);
  without.dispose();
});

onDevice('scheduled sampling puts in what the model says at the step before', async (device) => {
  const rates = { encoding: 0.5, embedding: 0.5, output: 0.5 };
  const decoder = await randomDecoder(device, 'modern', 8, {}, rates);
  decoder.train();
  const table = tableOf('modern');
  const before = device.memory().storages;
  const mixed = async (probability: number, seed: number) => {
    const inputs = scheduledInputs(device, decoder, batch, table, probability, new Random(seed));
    const read = [...(await inputs.data())];
    inputs.dispose();
    return read;
  };
  assert.equal(await mixed(0, 1), [...batch.inputs]);
  const said = await mixed(1, 1);
  assert.ok(decoder.training, 'goes on training');
  const [half, again, other] = [await mixed(0.5, 2), await mixed(0.5, 2), await mixed(0.5, 3)];
  assert.is(device.memory().storages, before, 'nothing is left');
  assert.equal(half, again);
  assert.not.equal(half, other);
  assert.ok(half.every((id, row) => id === said[row] || id === batch.inputs[row]));
  decoder.train(false);
  const opened = openScope();
  const previous = previousRows(batch);
  for (const [row, sentence] of sentenceOfRows(batch).entries()) {
    if (previous[row] < 0) {
      assert.is(said[row], 2);
      continue;
    }
    const words = rowsOf(batch, previous[row]);
    const { output } = stepAlone(device, decoder, words, batch.sentenceImage[sentence], 'modern');
    assert.equal([...(await argmax(decoder.logits(output)).data())], [said[row]], `row ${row}`);
  }
  opened.close();
  decoder.dispose();
});

onDevice('the trainer minimises its objective and is judged by plain cross-entropy', async (device) => {
  const decoder = await randomDecoder(device, 'modern', 8);
  const features = tableOf('modern');
  const images = [
    { features: 0, captions: [[2, 4, 5, 3]] },
    {
      features: 1,
      captions: [
        [2, 6, 3],
        [2, 5, 5, 4, 3],
      ],
    },
  ];
  const data = { train: images, dev: images, features };
  const objective = { labelSmoothing: 0.3, doublyStochastic: 2 };
  const rate = { kind: 'constant', warmUp: 0, decayAfter: 1, decay: 1, decayEvery: null } as const;
  const schedule = { learningRate: 1e-9, ...rate, clipNorm: 1, batchImages: 2 };
  const expected = [objective, {}].map((each) =>
    scope(() => teacherForcingLoss(device, decoder, layOut(images), features, each)),
  );
  const make = (scheduledSampling: number) =>
    new Trainer({
      device,
      decoder,
      optimiser: new SGD(decoder.trainable()),
      schedule: { ...schedule, ...objective, scheduledSampling },
      epochs: 1,
      random: new Random(1),
    });
  const trained = await make(0).trainEpoch(data, 1, () => {});
  const judged = await make(0).evaluate(data.dev, data.features);
  const [minimised, plain] = await Promise.all(expected.map((loss) => loss.item()));
  assert.ok(Math.abs(trained - minimised) < 1e-5, `${trained}, expected ${minimised}`);
  assert.ok(Math.abs(judged - plain) < 1e-5, `${judged}, expected ${plain}`);
  assert.ok(Math.abs(minimised - plain) > 1e-2);
  const sampled = await make(1).trainEpoch(data, 1, () => {});
  assert.ok(Math.abs(sampled - trained) > 1e-4, 'other words enter');
  for (const loss of expected) loss.dispose();
  decoder.dispose();
});

test.run();
