// Small cases of the ops on whose conventions implementations differ: writes test/golden/ops.json.
//
//   npm ci --prefix bench && node bench/golden/ops.mjs
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { compactJson, stored, tensor, values } from './inputs.mjs';
import { optimiserCases } from './optimisers.mjs';
import { source, useBackend } from './tfjs.mjs';

await useBackend('cpu');
const cases = [];

/** Runs `compute` on the tensors of `inputs` (named, in the order that the op takes them) and stores the case. */
function record(name, op, attrs, inputs, compute) {
  const tensors = Object.values(inputs).map((input) => tensor(input));
  const outputs = [compute(...tensors)].flat().map(stored);
  if (outputs.some(({ data }) => data.some((value) => !Number.isFinite(value))))
    throw new Error(`${name}: not finite`);
  cases.push({
    name,
    op,
    attrs,
    inputs: Object.entries(inputs).map(([input, { shape, data }]) => ({ name: input, shape, data })),
    outputs,
  });
}

const convolutions = [
  // [height, width, in, out, kernel height, kernel width, strides, padding, dilations]
  [7, 6, 2, 3, 3, 3, [1, 1], 'same', [1, 1]],
  [7, 6, 2, 3, 3, 3, [1, 1], 'valid', [1, 1]],
  [7, 6, 2, 3, 3, 3, [2, 2], 'same', [1, 1]],
  [8, 9, 2, 3, 3, 3, [2, 2], 'same', [1, 1]],
  [8, 9, 2, 3, 3, 3, [2, 2], 'valid', [1, 1]],
  [7, 7, 1, 2, 2, 2, [1, 1], 'same', [1, 1]],
  [8, 8, 1, 2, 4, 4, [3, 3], 'same', [1, 1]],
  [9, 5, 2, 2, 3, 2, [2, 1], 'same', [1, 1]],
  [5, 9, 2, 2, 1, 7, [1, 1], 'same', [1, 1]],
  [9, 5, 2, 2, 7, 1, [1, 1], 'same', [1, 1]],
  [6, 5, 3, 4, 1, 1, [1, 1], 'valid', [1, 1]],
  [7, 7, 3, 4, 1, 1, [2, 2], 'same', [1, 1]],
  [9, 8, 2, 2, 3, 3, [1, 1], 'same', [2, 2]],
  [9, 8, 2, 2, 3, 3, [1, 1], 'valid', [2, 3]],
  [10, 7, 1, 2, 2, 3, [1, 1], 'same', [3, 2]],
];
for (const [index, [h, w, cin, cout, kh, kw, strides, padding, dilations]] of convolutions.entries()) {
  const inputs = {
    input: values([2, h, w, cin], index + 1),
    kernel: values([kh, kw, cin, cout], index + 51),
  };
  const dilated = dilations.some((d) => d > 1) ? `, dilations ${dilations}` : '';
  record(
    `conv2d ${h}x${w}, kernel ${kh}x${kw}, strides ${strides}, ${padding}${dilated}`,
    'conv2d',
    { strides, padding, dilations },
    inputs,
    (x, kernel) => tf.conv2d(x, kernel, strides, padding, 'NHWC', dilations),
  );
}

const poolings = [
  // [height, width, pool size, strides, padding]
  [7, 6, [3, 3], [1, 1], 'same'],
  [7, 6, [3, 3], [2, 2], 'valid'],
  [7, 6, [3, 3], [2, 2], 'same'],
  [6, 9, [3, 3], [2, 2], 'same'],
  [5, 5, [2, 2], [2, 2], 'same'],
  [5, 5, [2, 2], [1, 1], 'same'],
  [8, 8, [8, 8], [8, 8], 'valid'],
  [6, 7, [2, 3], [1, 2], 'same'],
];
for (const [index, [h, w, poolSize, strides, padding]] of poolings.entries()) {
  // Below zero throughout in half of the cases: a maximum that counts the padding as 0 shows there.
  const input = values([2, h, w, 2], index + 101);
  if (index % 2 === 0) input.data = input.data.map((value) => value - 1.5);
  for (const kind of ['max', 'avg'])
    record(
      `${kind} pool ${h}x${w}, size ${poolSize}, strides ${strides}, ${padding}`,
      kind === 'max' ? 'maxPool' : 'averagePool',
      { poolSize, strides, padding },
      { input },
      (x) => tf.pool(x, poolSize, kind, padding, [1, 1], strides),
    );
}
record('global average pool', 'globalAveragePool', {}, { input: values([2, 3, 5, 4], 121) }, (x) =>
  tf.mean(x, [1, 2]),
);

for (const [index, [from, to]] of [
  [
    [4, 5],
    [7, 9],
  ],
  [
    [9, 7],
    [4, 3],
  ],
  [
    [5, 4],
    [5, 9],
  ],
  [
    [1, 3],
    [4, 5],
  ],
  [
    [6, 6],
    [1, 1],
  ],
  [
    [11, 13],
    [3, 29],
  ],
].entries())
  record(
    `resize bilinear ${from} to ${to}`,
    'resizeBilinear',
    { size: to, halfPixelCenters: true, alignCorners: false, antialias: false },
    { input: values([1, ...from, 2], index + 131) },
    (x) => tf.image.resizeBilinear(x, to, false, true),
  );

const batchNormInputs = (seed) => ({
  input: values([2, 3, 3, 5], seed, 2),
  mean: values([5], seed + 1),
  variance: { shape: [5], data: [0.25, 1, 2.5, 0.001953125, 0] },
  beta: values([5], seed + 2),
});
record(
  'batch norm, no gamma',
  'batchNorm',
  { epsilon: 1e-3 },
  batchNormInputs(141),
  (x, mean, variance, beta) => tf.batchNorm(x, mean, variance, beta, undefined, 1e-3),
);
record(
  'batch norm, gamma',
  'batchNorm',
  { epsilon: 1e-3 },
  { ...batchNormInputs(151), gamma: values([5], 154) },
  (x, mean, variance, beta, gamma) => tf.batchNorm(x, mean, variance, beta, gamma, 1e-3),
);

record('softmax over the last axis', 'softmax', { axis: -1 }, { input: values([3, 7], 161, 4) }, (x) =>
  tf.softmax(x),
);
record(
  'softmax of large logits',
  'softmax',
  { axis: -1 },
  { input: { shape: [2, 4], data: [1000, 1001, 999, 0, -1000, -1001, -1000.5, -2000] } },
  (x) => tf.softmax(x),
);
record('log-softmax over the last axis', 'logSoftmax', { axis: -1 }, { input: values([3, 7], 171, 4) }, (x) =>
  tf.logSoftmax(x),
);

record(
  'embedding',
  'embedding',
  {},
  { embeddings: values([6, 4], 181), ids: { shape: [2, 3], data: [0, 5, 2, 2, 1, 0] } },
  (embeddings, ids) => tf.gather(embeddings, tf.cast(ids, 'int32')),
);
for (const [index, activation] of ['linear', 'relu', 'tanh', 'sigmoid', 'hardSigmoid'].entries())
  record(
    `dense, ${activation}`,
    'dense',
    { activation },
    {
      input: values([2, 3, 5], 191 + index, 4),
      kernel: values([5, 4], 201 + index),
      bias: values([4], 211 + index),
    },
    (x, kernel, bias) => {
      const layer = layers.layers.dense({ units: 4, activation });
      layer.build(x.shape);
      layer.setWeights([kernel, bias]);
      return layer.apply(x);
    },
  );

for (const [index, [recurrentActivation, steps]] of [
  ['sigmoid', 1],
  ['hardSigmoid', 1],
  ['sigmoid', 4],
  ['hardSigmoid', 4],
].entries()) {
  const units = 4;
  record(
    `LSTM, ${recurrentActivation}, ${steps === 1 ? 'one step' : `${steps} steps`}`,
    'lstm',
    {
      units,
      activation: 'tanh',
      recurrentActivation,
      gates: 'i, f, c, o',
      outputs: 'sequence of h, last h, last c',
    },
    {
      input: values([2, steps, 3], 221 + index, 2),
      h: values([2, units], 231 + index),
      c: values([2, units], 241 + index, 2),
      kernel: values([3, 4 * units], 251 + index, 2),
      recurrentKernel: values([units, 4 * units], 261 + index, 2),
      bias: values([4 * units], 271 + index),
    },
    (x, h, c, kernel, recurrentKernel, bias) => {
      const layer = layers.layers.lstm({
        units,
        recurrentActivation,
        // The default initialiser needs tfjs's chained methods, which tfjs-core alone does not install.
        recurrentInitializer: 'zeros',
        returnSequences: true,
        returnState: true,
      });
      layer.build(x.shape);
      layer.setWeights([kernel, recurrentKernel, bias]);
      return layer.call(x, { initialState: [h, c] });
    },
  );
}

const text = compactJson({ about: source('cpu', 'ops.mjs'), cases, optimisers: await optimiserCases() });
const target = join(import.meta.dirname, '../../test/golden/ops.json');
writeFileSync(target, text);
console.error(`${target}: ${cases.length} cases, ${text.length} bytes`);
