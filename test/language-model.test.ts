// @adapters every
// @minutes 10
// Decoders that are trained on sentences without images.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Decoder } from '../src/captioner/decoder/decoder.ts';
import { layOut } from '../src/captioner/training/batches.ts';
import { languageParameters, sentenceAlone } from '../src/captioner/training/language-model.ts';
import { teacherForcingLoss } from '../src/captioner/training/teacher-forcing.ts';
import { Trainer } from '../src/captioner/training/trainer.ts';
import { UnsupportedError } from '../src/kernels/op/errors.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { AdamW } from '../src/nn/optimisers/adamw.ts';
import { Random } from '../src/nn/random.ts';
import { valueAndGradients } from '../src/tensor/autograd.ts';
import { openScope } from '../src/tensor/scope.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';
import { checkGradients } from './gradient-check.ts';
import { type DecoderKind, randomDecoder, smallConfig } from './small-decoder.ts';

const onDevice = await eachDevice(test);

/** Ids 2 starts and 3 ends. */
const sentences = [
  [2, 4, 5, 6, 3],
  [2, 6, 3],
  [2, 5, 5, 3],
  [2, 4, 6, 5, 3],
  [2, 3],
].map(sentenceAlone);
const batch = layOut(sentences);

const restingNames: Readonly<Record<DecoderKind, readonly string[]>> = {
  average: ['projection', 'initialHidden', 'initialCell', 'encodingKernel'],
  flattened: ['projection', 'encodingKernel'],
  attention: ['projection', 'attention', 'encodingKernel'],
  modern: ['projection', 'initialHidden', 'initialCell', 'attention', 'encodingKernel', 'output.context'],
};
const isOf = (name: string, parts: readonly string[]) =>
  parts.some((part) => name === part || name.startsWith(`${part}.`));

for (const kind of Object.keys(restingNames) as DecoderKind[]) {
  onDevice(`${kind}: its loss is that of an image that makes an encoding of zeros`, async (device) => {
    const decoder = await randomDecoder(device, kind, 3);
    const weights = await decoder.save();
    for (const [name, { shape, data }] of weights) {
      if (!isOf(name, ['projection', 'initialHidden', 'initialCell'])) continue;
      weights.set(name, { shape, data: new Float32Array(data.length) });
    }
    decoder.load(weights);
    const rowShape = kind === 'average' ? [256] : [49, 256];
    const size = rowShape.reduce((product, dimension) => product * dimension, 1);
    const table = { rowShape, data: Float32Array.from(floatSample([size], 5, 0, 1).data) };
    const pictured = layOut(sentences.map(({ captions }) => ({ features: 0, captions })));
    const opened = openScope();
    const blind = await teacherForcingLoss(device, decoder, batch, null).item();
    const seen = await teacherForcingLoss(device, decoder, pictured, table).item();
    opened.close();
    decoder.dispose();
    assert.ok(Math.abs(blind - seen) < 1e-5, `${blind}, with an image ${seen}`);
  });

  onDevice(`${kind}: what the image goes through has no gradient and is not trained`, async (device) => {
    const decoder = await randomDecoder(device, kind, 4);
    const opened = openScope();
    const all = decoder.trainable();
    const loss = () => teacherForcingLoss(device, decoder, batch, null);
    const { gradients } = valueAndGradients(loss, [...all.values()]);
    const learns = new Map<string, boolean>();
    for (const [index, name] of [...all.keys()].entries()) {
      learns.set(
        name,
        (await gradients[index].data()).some((value) => value !== 0),
      );
    }
    opened.close();
    const trained = languageParameters(decoder);
    for (const [name, moved] of learns) {
      assert.is(moved, !isOf(name, restingNames[kind]), `${name} has a gradient`);
      assert.is(trained.has(name), moved, `${name} is trained`);
    }
    decoder.dispose();
  });
}

for (const kind of ['average', 'modern'] as const) {
  onDevice(`${kind}: the gradients of all weights that learn`, (device) =>
    checkGradients(device, (on) => {
      const decoder = new Decoder(on, new Random(4), smallConfig(kind));
      return {
        watched: languageParameters(decoder),
        loss: () => teacherForcingLoss(on, decoder, batch, null, { labelSmoothing: 0.1 }),
        dispose: () => decoder.dispose(),
      };
    }),
  );
}

const schedule = {
  ...({
    learningRate: 0.03,
    kind: 'constant',
    warmUp: 0,
    decay: 1,
    decayAfter: 0,
    decayEvery: null,
  } as const),
  ...{ clipNorm: 5, batchImages: 1, batchSentences: 2 },
};

onDevice('the loss of its sentences falls, and weights at rest keep every bit', async (device) => {
  const decoder = await randomDecoder(device, 'modern', 5);
  const before = await decoder.save();
  const optimiser = new AdamW(languageParameters(decoder), { weightDecay: 0.1 });
  const trainer = new Trainer({ device, decoder, optimiser, schedule, epochs: 12, random: new Random(6) });
  const data = { train: sentences, features: null };
  assert.is(trainer.stepsPerEpoch(data), 3);
  const losses: number[] = [];
  for (let epoch = 1; epoch <= 12; epoch++) losses.push(await trainer.trainEpoch(data, epoch));
  assert.ok(losses[11] < losses[0] / 2, losses.join(' '));
  const judged = await trainer.evaluate(sentences, null);
  assert.ok(judged < losses[0] / 2, `${judged}`);
  const after = await decoder.save();
  for (const [name, { data }] of before) {
    // The encoding's rows of the joined kernel come first.
    const rows = name === 'lstm.kernel' ? 3 * 16 : isOf(name, restingNames.modern) ? data.length : 0;
    const values = after.get(name)?.data ?? [];
    assert.equal([...values.slice(0, rows)], [...data.slice(0, rows)], name);
    if (rows < data.length && !name.startsWith('features.')) {
      assert.ok(
        data.some((value, index) => value !== values[index]),
        `${name} learnt`,
      );
    }
  }
  optimiser.dispose();
  decoder.dispose();
});

onDevice('without an image there is no attention to penalise', async (device) => {
  const decoder = await randomDecoder(device, 'attention', 6);
  const failed = await errorOf(UnsupportedError, async () => {
    const opened = openScope();
    try {
      teacherForcingLoss(device, decoder, batch, null, { doublyStochastic: 1 });
    } finally {
      opened.close();
    }
  });
  assert.match(failed.message, /no image to attend to; set it to 0/);
  decoder.dispose();
});

test.run();
