import type { Tensor } from '@tensorflow/tfjs-core';
import type * as Layers from '@tensorflow/tfjs-layers';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import {
  type CellSizes,
  type CellWeightName,
  type CellWeights,
  startWord,
} from '../../cases/captioner-cell.ts';
import type { Prepared } from '../../workload.ts';
import type { WorkloadOf } from '../preparations.ts';
import { untilDone } from '../until-done.ts';
import { type Core, upload } from './arrays.ts';

/** One step of the decoder as a layers-model: encoding, h, c, word → scores of the next word, h, c. */
function stepModel(
  keras: typeof Layers,
  { encoding, embedding, units, vocabulary }: CellSizes,
  scores: 'softmax' | 'linear',
): LayersModel {
  const { input, layers } = keras;
  const image = input({ shape: [encoding], name: 'encoding' });
  const word = input({ shape: [1], name: 'word', dtype: 'int32' });
  const [h, c] = ['h', 'c'].map((name) => input({ shape: [units], name }));
  const vector = layers
    .embedding({ inputDim: vocabulary, outputDim: embedding, name: 'embedding' })
    .apply(word);
  const step = layers
    .concatenate({ axis: -1 })
    .apply([layers.reshape({ targetShape: [1, encoding] }).apply(image), vector]);
  const [hidden, nextH, nextC] = layers
    .lstm({
      units,
      recurrentActivation: 'sigmoid',
      // The default one needs tfjs's chained methods; the weights are set anyway.
      recurrentInitializer: 'zeros',
      returnState: true,
      name: 'lstm',
    })
    .apply(step, { initialState: [h, c] });
  const output = layers.dense({ units: vocabulary, activation: scores, name: 'output' }).apply(hidden);
  return keras.model({ inputs: [image, h, c, word], outputs: [output, nextH, nextC] });
}

function setWeights(tf: Core, model: LayersModel, weights: CellWeights): void {
  for (const layer of model.layers.filter(({ weights: own }) => own.length > 0)) {
    const names = Object.keys(weights).filter((name) =>
      name.startsWith(`${layer.name}.`),
    ) as CellWeightName[];
    const values = names.map((name) => upload(tf, weights[name]));
    layer.setWeights(values);
    for (const value of values) value.dispose();
  }
}

/** What the searches have in common: a model, and what it begins with. */
interface Start {
  readonly model: LayersModel;
  readonly encoding: Tensor;
  readonly h: Tensor;
  readonly c: Tensor;
}

/** The likeliest word each time, chosen on the device: int32 [words]. */
function greedy(tf: Core, { model, encoding, ...state }: Start, words: number): Tensor {
  let { h, c } = state;
  let word = tf.tensor(Int32Array.of(startWord), [1, 1], 'int32');
  const found: Tensor[] = [];
  for (let step = 0; step < words; step++) {
    const [probabilities, nextH, nextC] = model.predictOnBatch([encoding, h, c, word]);
    [h, c] = [nextH, nextC];
    const best = tf.argMax(probabilities, 1);
    found.push(best);
    word = tf.reshape(best, [1, 1]);
  }
  return tf.concat(found, 0);
}

/** The best sentences so far, ranked by the sum of log probabilities on the device: words and back pointers [words · beam]. */
function beamOf(tf: Core, { model, ...start }: Start, words: number, beam: number, vocabulary: number) {
  const spread = (tensor: Tensor) => tf.tile(tensor, [beam, 1]);
  const encoding = spread(start.encoding);
  let [h, c] = [spread(start.h), spread(start.c)];
  let word = tf.tensor(new Int32Array(beam).fill(startWord), [beam, 1], 'int32');
  // All sentences are the same before the first word, so only the first may grow.
  let total = tf.tensor(new Float32Array(beam).fill(-1e9, 1), [beam, 1], 'float32');
  const count = tf.scalar(vocabulary, 'int32');
  const found: { words: Tensor[]; parents: Tensor[] } = { words: [], parents: [] };
  for (let step = 0; step < words; step++) {
    const [logits, nextH, nextC] = model.predictOnBatch([encoding, h, c, word]);
    const scores = tf.reshape(tf.add(tf.logSoftmax(logits), total), [1, beam * vocabulary]);
    const { values, indices } = tf.topk(scores, beam);
    const best = tf.reshape(indices, [beam]);
    const parent = tf.floorDiv(best, count);
    const next = tf.sub(best, tf.mul(parent, count));
    total = tf.reshape(values, [beam, 1]);
    [h, c] = [tf.gather(nextH, parent), tf.gather(nextC, parent)];
    word = tf.reshape(next, [beam, 1]);
    found.words.push(next);
    found.parents.push(parent);
  }
  return { words: tf.concat(found.words, 0), parents: tf.concat(found.parents, 0) };
}

/** The words that lead to the best sentence, which is the first of the last beam. */
function followBack(words: ArrayLike<number>, parents: ArrayLike<number>, beam: number): number[] {
  const path: number[] = [];
  let place = 0;
  for (let at = words.length - beam; at >= 0; at -= beam) {
    path.push(words[at + place]);
    place = parents[at + place];
  }
  return path.reverse();
}

/** Decoding by a layers-model of one step; the words stay on the device until the sentence is there. */
export function prepareDecoding(
  tf: Core,
  keras: typeof Layers,
  { sizes, weights, features, words, beam }: WorkloadOf<'decode'>,
): Prepared {
  const model = stepModel(keras, sizes, beam === 1 ? 'softmax' : 'linear');
  setWeights(tf, model, weights);
  const image = upload(tf, features);
  const dense = (name: 'projection' | 'initialHidden' | 'initialCell') => ({
    b: upload(tf, weights[`${name}.kernel`]),
    bias: upload(tf, weights[`${name}.bias`]),
  });
  const [projection, initialHidden, initialCell] = [
    dense('projection'),
    dense('initialHidden'),
    dense('initialCell'),
  ];
  let found: Tensor[] = [];
  const forget = () => {
    for (const tensor of found) tensor.dispose();
    found = [];
  };
  let tokens: Int32Array = new Int32Array();
  return {
    run() {
      forget();
      found = tf.tidy(() => {
        const encoding = tf.fused.matMul({ a: image, ...projection, activation: 'relu' });
        const h = tf.tanh(tf.fused.matMul({ a: encoding, ...initialHidden, activation: 'linear' }));
        const c = tf.tanh(tf.fused.matMul({ a: encoding, ...initialCell, activation: 'linear' }));
        const start = { model, encoding, h, c };
        if (beam === 1) return [greedy(tf, start, words)];
        const { words: chosen, parents } = beamOf(tf, start, words, beam, sizes.vocabulary);
        return [chosen, parents];
      });
    },
    async finish() {
      const [chosen, parents] = await untilDone(Promise.all(found.map((tensor) => tensor.data())));
      tokens = Int32Array.from(parents ? followBack(chosen, parents, beam) : chosen);
    },
    outputs: async () => [{ shape: [tokens.length], data: tokens }],
    dispose() {
      forget();
      model.dispose();
      image.dispose();
      for (const { b, bias } of [projection, initialHidden, initialCell]) {
        for (const tensor of [b, bias]) tensor.dispose();
      }
    },
  };
}
