// Three steps of each optimiser on a tiny least-squares problem.
import * as tf from '@tensorflow/tfjs-core';
import { stored, tensor, values } from './inputs.mjs';

const STEPS = 3;
const problem = {
  loss: 'mean over all elements of (input · kernel + bias - target)^2',
  input: values([4, 3], 301),
  target: values([4, 2], 302, 2),
  kernel: values([3, 2], 303),
  bias: values([2], 304),
};

/** Parameters after every step of a tfjs optimiser, float32. */
function tfjsTrajectory(optimiser) {
  const input = tensor(problem.input);
  const target = tensor(problem.target);
  const kernel = tf.variable(tensor(problem.kernel));
  const bias = tf.variable(tensor(problem.bias));
  return Array.from({ length: STEPS }, () => {
    const loss = optimiser.minimize(
      () => tf.mean(tf.squaredDifference(tf.add(tf.matMul(input, kernel), bias), target)),
      true,
      [kernel, bias],
    );
    return { lossBefore: stored(loss).data[0], kernel: stored(kernel).data, bias: stored(bias).data };
  });
}

/** The same in float64; `update(gradient, slot, step)` returns what is subtracted from one parameter. */
function float64Trajectory(update) {
  const [rows, inner] = problem.input.shape;
  const columns = problem.target.shape[1];
  const parameters = [...problem.kernel.data, ...problem.bias.data];
  const slots = parameters.map(() => ({}));
  return Array.from({ length: STEPS }, (_, k) => {
    const gradients = parameters.map(() => 0);
    let loss = 0;
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const biasAt = inner * columns + column;
        let residual = parameters[biasAt] - problem.target.data[row * columns + column];
        for (let i = 0; i < inner; i++)
          residual += problem.input.data[row * inner + i] * parameters[i * columns + column];
        loss += residual ** 2 / (rows * columns);
        const slope = (2 * residual) / (rows * columns);
        gradients[biasAt] += slope;
        for (let i = 0; i < inner; i++)
          gradients[i * columns + column] += slope * problem.input.data[row * inner + i];
      }
    for (const [at, gradient] of gradients.entries()) parameters[at] -= update(gradient, slots[at], k + 1);
    return {
      lossBefore: loss,
      kernel: parameters.slice(0, inner * columns),
      bias: parameters.slice(inner * columns),
    };
  });
}

const sgd = { learningRate: 0.1 };
const adam = { learningRate: 0.05, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
const nadam = { learningRate: 0.05, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, scheduleDecay: 0.004 };

const momentumAt = (step) => nadam.beta1 * (1 - 0.5 * 0.96 ** (step * nadam.scheduleDecay));

/** Dozat's Nadam with the warming momentum schedule of Keras (TF 2.2): Dozat 2016, "Incorporating Nesterov Momentum into Adam". */
function nadamUpdate(gradient, slot, step) {
  const now = momentumAt(step);
  const next = momentumAt(step + 1);
  slot.product = (slot.product ?? 1) * now;
  slot.m = nadam.beta1 * (slot.m ?? 0) + (1 - nadam.beta1) * gradient;
  slot.v = nadam.beta2 * (slot.v ?? 0) + (1 - nadam.beta2) * gradient ** 2;
  const mean = ((1 - now) * gradient) / (1 - slot.product) + (next * slot.m) / (1 - slot.product * next);
  const variance = slot.v / (1 - nadam.beta2 ** step);
  return (nadam.learningRate * mean) / (Math.sqrt(variance) + nadam.epsilon);
}

function adamMoments(gradient, slot) {
  slot.m = adam.beta1 * (slot.m ?? 0) + (1 - adam.beta1) * gradient;
  slot.v = adam.beta2 * (slot.v ?? 0) + (1 - adam.beta2) * gradient ** 2;
}

/** Adam as Kingma & Ba 2014 (algorithm 1) and tfjs have it: epsilon is added to the root of the corrected variance. */
function adamUpdate(gradient, slot, step) {
  adamMoments(gradient, slot);
  const mean = slot.m / (1 - adam.beta1 ** step);
  const variance = slot.v / (1 - adam.beta2 ** step);
  return (adam.learningRate * mean) / (Math.sqrt(variance) + adam.epsilon);
}

/** Adam as Keras has it ("epsilon hat" of the paper's section 2): epsilon is added to the uncorrected root. */
function adamKerasUpdate(gradient, slot, step) {
  adamMoments(gradient, slot);
  const rate = (adam.learningRate * Math.sqrt(1 - adam.beta2 ** step)) / (1 - adam.beta1 ** step);
  return (rate * slot.m) / (Math.sqrt(slot.v) + adam.epsilon);
}

function largestDifference(a, b) {
  return Math.max(
    ...a.flatMap((step, k) =>
      ['kernel', 'bias'].flatMap((part) => step[part].map((value, i) => Math.abs(value - b[k][part][i]))),
    ),
  );
}

export async function optimiserCases() {
  const cases = [
    { name: 'sgd', origin: 'tfjs', attrs: sgd, steps: tfjsTrajectory(tf.train.sgd(sgd.learningRate)) },
    {
      name: 'adam',
      origin: 'tfjs',
      attrs: adam,
      steps: tfjsTrajectory(tf.train.adam(adam.learningRate, adam.beta1, adam.beta2, adam.epsilon)),
    },
    {
      name: 'adam, epsilon hat',
      origin: 'float64 JavaScript from the formula of Keras; differs from tfjs in where epsilon is added',
      attrs: adam,
      steps: float64Trajectory(adamKerasUpdate),
    },
    {
      name: 'nadam',
      origin: 'float64 JavaScript from the formula of Dozat 2016 as Keras (TF 2.2) has it; tfjs has no Nadam',
      attrs: nadam,
      steps: float64Trajectory(nadamUpdate),
    },
  ];
  const differences = [
    largestDifference(
      cases[0].steps,
      float64Trajectory((gradient) => sgd.learningRate * gradient),
    ),
    largestDifference(cases[1].steps, float64Trajectory(adamUpdate)),
  ];
  if (Math.max(...differences) > 5e-6)
    throw new Error(`tfjs and the formulas differ by ${differences} in SGD and Adam: one of them is wrong`);
  return { problem, cases };
}
