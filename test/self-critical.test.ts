import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Decoder } from '../src/captioner/decoder/decoder.ts';
import { decoderCaptions } from '../src/captioner/evaluation/decoder-captions.ts';
import { ciderDScores } from '../src/captioner/metrics/cider.ts';
import { evaluateCaptions } from '../src/captioner/metrics/evaluate-captions.ts';
import { tokenizeForScoring } from '../src/captioner/metrics/tokenize.ts';
import { greedySearch } from '../src/captioner/search/greedy.ts';
import { Tokenizer } from '../src/captioner/tokenizer/tokenizer.ts';
import { layOut } from '../src/captioner/training/batches.ts';
import { policyLoss, SelfCritical } from '../src/captioner/training/self-critical.ts';
import { sampleSentences } from '../src/captioner/training/sentence-sampling.ts';
import { Trainer } from '../src/captioner/training/trainer.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import { requestDevice } from '../src/kernels/request-device.ts';
import { Adam } from '../src/nn/optimisers/adam.ts';
import { Random } from '../src/nn/random.ts';
import { openScope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { eachDevice } from './each-device.ts';
import { checkGradients } from './gradient-check.ts';
import { randomDecoder, randomFeatures, smallConfig } from './small-decoder.ts';

const onDevice = await eachDevice(test);

const references = [
  { image: 'a', captions: ['red dog runs', 'a red dog'] },
  { image: 'b', captions: ['blue cat sits', 'a cat sits'] },
  { image: 'c', captions: ['boat on water', 'a boat'] },
];
const tokenizer = Tokenizer.fit(references.flatMap(({ captions }) => captions));
const { startId, endId, unknownId } = tokenizer;
const options = { startId, endId, maximumLength: 5, forbidden: [0, startId, unknownId] };
const table = { rowShape: [256], data: Float32Array.from(floatSample([3, 256], 9, 0, 1).data) };

test('a reward is CIDEr-D with the end word as a word, as the metric computes it over the whole set', async () => {
  const self = new SelfCritical(null as never, tokenizer, references, [0, 1, 2], new Random(1), {
    samples: 2,
    baseline: 'mean',
    maximumLength: 5,
  });
  const sentences = ['red dog', 'a cat sits', 'a boat'].map((text) => [...tokenizer.encode(text), endId]);
  const pairs = references.map(({ captions }, index) => ({
    candidate: sentences[index].map((id) => tokenizer.word(id)),
    references: captions.map((caption) => [...tokenizeForScoring(caption), '<eos>']),
  }));
  const expected = ciderDScores(pairs);
  for (const [index, sentence] of sentences.entries()) {
    assert.equal(self.rewards(index, [sentence, sentence]), [expected[index], expected[index]]);
  }
  assert.ok(expected[1] > 1, `a person's own caption is worth ${expected[1]}`);
  const [whole, broken] = self.rewards(1, [sentences[1], sentences[1].slice(0, -1)]);
  assert.ok(broken < whole, 'a sentence that does not end is worth less');
});

onDevice('words are drawn with the probabilities that the decoder gives them', async (device) => {
  const decoder = await randomDecoder(device, 'average', 5, { vocabulary: tokenizer.size });
  const opened = openScope();
  const encoding = decoder.encode(randomFeatures(device, 'average', 6));
  const start = decoder.projectWords(Tensor.from(device, Int32Array.of(startId)));
  const { h } = decoder.advance(start, encoding, decoder.initialState(encoding));
  const shares = Float64Array.from(await decoder.logits(h).softmax().data());
  for (const id of options.forbidden) shares[id] = 0;
  const total = shares.reduce((sum, share) => sum + share, 0);
  const count = 4000;
  const once = { ...options, maximumLength: 1, random: new Random(11) };
  const drawn = await sampleSentences(device, decoder, encoding, new Int32Array(count), once);
  const tally = new Float64Array(tokenizer.size);
  for (const [word] of drawn) tally[word] += 1 / count;
  for (const [id, share] of shares.entries()) {
    const expected = share / total;
    // Four standard deviations of a binomial share.
    const limit = 4 * Math.sqrt((expected * (1 - expected)) / count) + 1e-9;
    assert.ok(Math.abs(tally[id] - expected) <= limit, `${id}: ${tally[id]}, expected ${expected}`);
  }
  opened.close();
  decoder.dispose();
});

for (const kind of ['average', 'attention'] as const) {
  onDevice(`greedy sentences of many images are those of one at a time (${kind})`, async (device) => {
    const decoder = await randomDecoder(device, kind, 3, { vocabulary: tokenizer.size });
    const opened = openScope();
    const features = randomFeatures(device, kind, 8, 3);
    const [rows, ...rest] = features.shape;
    const encoding = decoder.encode(features);
    const found = await sampleSentences(device, decoder, encoding, Int32Array.of(2, 0, 1, 0), options);
    for (const [index, image] of [2, 0, 1, 0].entries()) {
      const one = features.slice([image, ...rest.map(() => 0)], [1, ...rest]);
      const { tokens } = await greedySearch(device, decoder, decoder.encode(one), options);
      assert.equal(found[index], tokens, `image ${image} of ${rows}`);
    }
    opened.close();
    decoder.dispose();
  });
}

onDevice('the gradient is that of the weighted log-probabilities', (device) => {
  const batch = layOut([
    {
      features: 0,
      captions: [
        [startId, 5, 4, endId],
        [startId, 6, endId],
      ],
      weights: [0.7, -0.4],
    },
    { features: 2, captions: [[startId, 4, 4, 4, 5, 6]], weights: [1.3] },
  ]);
  assert.equal(
    [...batch.weights].map((weight) => Math.round(10 * weight) / 10),
    [1.3, 0.7, -0.4, 1.3, 0.7, -0.4, 1.3, 0.7, 1.3, 1.3],
  );
  return checkGradients(device, (on) => {
    const decoder = new Decoder(on, new Random(4), smallConfig('average', { vocabulary: tokenizer.size }));
    return {
      watched: decoder.trainable(),
      loss: () => policyLoss(on, decoder, batch, table, options.forbidden),
      dispose: () => decoder.dispose(),
    };
  });
});

for (const baseline of ['mean', 'greedy'] as const) {
  // On the CPU device alone: what the steps are made of is held to it on WebGPU above, and a hundred of them take long.
  test(`rewards rise by training on them (baseline ${baseline})`, async () => {
    const device = await requestDevice({ prefer: 'cpu' });
    const config = smallConfig('average', {
      vocabulary: tokenizer.size,
      units: 16,
      embedding: 8,
      encoding: 8,
    });
    const decoder = new Decoder(device, new Random(2), config);
    const optimiser = new Adam(decoder.trainable());
    const self = new SelfCritical(device, tokenizer, references, [0, 1, 2], new Random(3), {
      samples: 8,
      baseline,
      maximumLength: 5,
    });
    const schedule = {
      learningRate: 0.01,
      kind: 'constant',
      warmUp: 0,
      decay: 1,
      decayAfter: 0,
      decayEvery: null,
      clipNorm: 5,
      batchImages: 3,
    } as const;
    const criticism = { selfCritical: self, crossEntropy: 0 };
    const random = new Random(1);
    const trainer = new Trainer({ device, decoder, optimiser, schedule, epochs: 100, random, criticism });
    const images = [0, 1, 2].map((features) => ({ features, captions: [[startId, 4, endId]] }));
    const data = { train: images, features: table };
    const rewards: number[] = [];
    for (let epoch = 1; epoch <= 100; epoch++) rewards.push(await trainer.trainEpoch(data, epoch, () => {}));
    const mean = (part: number[]) => part.reduce((sum, reward) => sum + reward, 0) / part.length;
    assert.ok(
      mean(rewards.slice(-5)) > mean(rewards.slice(0, 5)) + 0.4,
      rewards.map((reward) => reward.toFixed(2)).join(' '),
    );
    const sentences = await decoderCaptions(device, decoder, tokenizer, table, [0, 1, 2], { beam: 1 });
    const scores = evaluateCaptions(
      new Map(references.map(({ image }, row) => [image, sentences[row]])),
      new Map(references.map(({ image, captions }) => [image, captions])),
    );
    assert.ok(scores.CIDEr > 0.5, `greedy captions score ${scores.CIDEr}`);
    assert.is(scores.images, 3);
    device.destroy();
  });
}

test.run();
