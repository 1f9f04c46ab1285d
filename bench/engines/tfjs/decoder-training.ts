import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { CellWeightName } from '../../cases/captioner-cell.ts';
import type { WorkloadOf } from '../preparations.ts';
import type { Program } from '../program.ts';
import { type Core, upload } from './arrays.ts';
import { lstmUpdate } from './operations.ts';

/**
 * The training step in tfjs's own operations and gradients. The words of all steps go through the LSTM's kernel in one
 * product, and the encoding in one more, as in our engine: tfjs's LSTM layer would do both at every step.
 */
export function decoderTraining(
  tf: Core,
  {
    sizes,
    weights,
    features,
    inputs,
    targets,
    sentences,
    steps,
    learningRate,
  }: WorkloadOf<'decoderTraining'>,
): Program<Tensor> {
  const names = Object.keys(weights) as CellWeightName[];
  const parameters = Object.fromEntries(
    names.map((name) => [name, tf.variable(upload(tf, weights[name]))]),
  ) as Record<CellWeightName, Variable>;
  const [image, words, expected] = [features, inputs, targets].map((array) => upload(tf, array));
  // Keras's constants. Keras adds 1e-7 before the correction of the bias and tfjs after it; in the first step, which is
  // the one that outputs tell of, this is the same.
  const optimiser = tf.train.adam(learningRate, 0.9, 0.999, 1e-7 / Math.sqrt(1 - 0.999));
  const { encoding: width, embedding, vocabulary } = sizes;
  const dense = (
    a: Tensor,
    name: 'projection' | 'initialHidden' | 'initialCell',
    activation: 'relu' | 'linear',
  ) => tf.fused.matMul({ a, b: parameters[`${name}.kernel`], bias: parameters[`${name}.bias`], activation });
  const loss = () => {
    const encoding = dense(image, 'projection', 'relu');
    let state = {
      h: tf.tanh(dense(encoding, 'initialHidden', 'linear')),
      c: tf.tanh(dense(encoding, 'initialCell', 'linear')),
    };
    const kernel = parameters['lstm.kernel'];
    const context = tf.matMul(encoding, tf.slice(kernel, [0, 0], [width, -1]));
    const vectors = tf.gather(parameters['embedding.embeddings'], words);
    const projected = tf.add(
      tf.matMul(vectors, tf.slice(kernel, [width, 0], [embedding, -1])),
      parameters['lstm.bias'],
    );
    const hidden = tf.split(projected, steps, 0).map((word) => {
      const recurrent = tf.matMul(state.h, parameters['lstm.recurrentKernel']);
      state = lstmUpdate(tf, tf.add(tf.add(word, context), recurrent), state.c);
      return state.h;
    });
    const scores = tf.add(
      tf.matMul(tf.concat(hidden, 0), parameters['output.kernel']),
      parameters['output.bias'],
    );
    return tf.losses.softmaxCrossEntropy(tf.oneHot(expected, vocabulary), scores);
  };
  if (expected.shape[0] !== steps * sentences) {
    throw new Error(
      `decoder training: ${expected.shape[0]} targets for ${steps} steps of ${sentences} sentences`,
    );
  }
  const variables = Object.values(parameters);
  return {
    trains: true,
    compute: () => tf.tidy(() => [tf.reshape(optimiser.minimize(loss, true, variables), [1])]),
    release() {
      optimiser.dispose();
      for (const tensor of [...variables, image, words, expected]) tensor.dispose();
    },
  };
}
