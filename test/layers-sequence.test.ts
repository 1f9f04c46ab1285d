// The layers of sentences: embedding, LSTM, attention.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randomUniform } from '../src/nn/initialisers.ts';
import { BahdanauAttention } from '../src/nn/layers/attention.ts';
import { Embedding } from '../src/nn/layers/embedding.ts';
import { LSTM } from '../src/nn/layers/lstm.ts';
import { Random } from '../src/nn/random.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { compare } from './compare.ts';
import { eachDevice } from './each-device.ts';
import { checkGradients } from './gradient-check.ts';
import { checkModule, sample } from './module-check.ts';

const onDevice = await eachDevice(test);

onDevice('Embedding has the gradient of each row gather its uses', (device) =>
  checkGradients(device, (on) => {
    const layer = new Embedding(on, new Random(3), {
      vocabulary: 6,
      units: 3,
      initialiser: randomUniform(-1, 1),
    });
    const ids = Tensor.from(on, Int32Array.of(5, 1, 5, 0, 1, 5), [3, 2]);
    return {
      watched: layer.parameters(),
      loss: () => {
        const rows = layer.forward(ids);
        return rows
          .multiply(sample(on, [3, 2, 3], 4))
          .tanh()
          .sum();
      },
      dispose: () => {
        layer.dispose();
        ids.dispose();
      },
    };
  }),
);

onDevice('LSTM begins with a forget bias of one and steps with the right gradients', async (device) => {
  const lstm = new LSTM(device, new Random(4), { inputs: 3, units: 2 });
  assert.equal([...(await lstm.bias.data())], [0, 0, 1, 1, 0, 0, 0, 0]);
  assert.equal(lstm.kernel.shape, [3, 8]);
  assert.equal(lstm.recurrentKernel.shape, [2, 8]);
  lstm.dispose();
  await checkModule(
    device,
    (on) => new LSTM(on, new Random(4), { inputs: 3, units: 2, recurrentActivation: 'hardSigmoid' }),
    [2, 3],
    (module, x) => {
      const zero = x.slice([0, 0], [2, 2]).scale(0);
      const first = module.step(x, { h: zero, c: zero });
      const second = module.step(x, first);
      return second.h.add(second.c);
    },
  );
});

onDevice('BahdanauAttention is its formula, and its weights sum to one', async (device) => {
  const [batch, places, channels, query, units] = [2, 5, 3, 4, 6];
  const attention = new BahdanauAttention(device, new Random(5), { channels, query, units });
  const grid = sample(device, [batch, places, channels], 6);
  const h = sample(device, [batch, query], 7);
  const keys = attention.keys(grid);
  const { context, weights } = attention.forward(grid, keys, h);
  assert.equal(
    [keys.shape, context.shape, weights.shape],
    [
      [batch, places, units],
      [batch, channels],
      [batch, places],
    ],
  );

  const host = new Map<string, Float64Array>();
  for (const [name, parameter] of attention.parameters())
    host.set(name, Float64Array.from(await parameter.data()));
  const part = (name: string) => host.get(name) as Float64Array;
  const [g, q] = [await grid.data(), await h.data()];
  const expectedWeights = new Float64Array(batch * places);
  const expectedContext = new Float64Array(batch * channels);
  for (let b = 0; b < batch; b++) {
    const scores = Array.from({ length: places }, (_, p) => {
      let score = part('score.bias')[0];
      for (let u = 0; u < units; u++) {
        let sum = part('features.bias')[u] + part('hidden.bias')[u];
        for (let i = 0; i < channels; i++)
          sum += g[(b * places + p) * channels + i] * part('features.kernel')[i * units + u];
        for (let i = 0; i < query; i++) sum += q[b * query + i] * part('hidden.kernel')[i * units + u];
        score += Math.tanh(sum) * part('score.kernel')[u];
      }
      return Math.exp(score);
    });
    const total = scores.reduce((sum, score) => sum + score, 0);
    for (let p = 0; p < places; p++) {
      expectedWeights[b * places + p] = scores[p] / total;
      for (let i = 0; i < channels; i++) {
        expectedContext[b * channels + i] += (scores[p] / total) * g[(b * places + p) * channels + i];
      }
    }
  }
  compare('weights', await weights.data(), expectedWeights, 1e-5);
  compare('context', await context.data(), expectedContext, 1e-5);
  for (const tensor of [grid, h, keys, context, weights]) tensor.dispose();
  attention.dispose();
});

onDevice('BahdanauAttention has the right gradients', (device) =>
  checkModule(
    device,
    (on) => new BahdanauAttention(on, new Random(5), { channels: 3, query: 3, units: 4 }),
    [2, 4, 3],
    (module, x) => {
      const query = x.slice([0, 1, 0], [2, 1, 3]).reshape([2, 3]);
      return module.forward(x, module.keys(x), query).context;
    },
  ),
);

test.run();
