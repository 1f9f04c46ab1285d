import type { Tensor } from '@tensorflow/tfjs-core';
import type { HostArray } from '../../workload.ts';
import type { Preparations } from '../preparations.ts';
import type { Program } from '../program.ts';
import { type Core, programOn } from './arrays.ts';

/** [I, 4U] or [4U] with gates in the order i, f, c, o to the order of basicLSTMCell, i, c, f, o. */
function reorderGates({ shape, data }: HostArray): HostArray {
  const columns = shape[shape.length - 1];
  const units = columns / 4;
  const reordered = Float32Array.from(data);
  for (let row = 0; row < data.length; row += columns) {
    reordered.set(data.subarray(row + 2 * units, row + 3 * units), row + units);
    reordered.set(data.subarray(row + units, row + 2 * units), row + 2 * units);
  }
  return { shape, data: reordered };
}

/** Rows of `below` under those of `above`. */
function stackRows(above: HostArray, below: HostArray): HostArray {
  const data = new Float32Array(above.data.length + below.data.length);
  data.set(above.data);
  data.set(below.data, above.data.length);
  return { shape: [above.shape[0] + below.shape[0], above.shape[1]], data };
}

/** The update of an LSTM cell from z [B, 4U], gates i, f, c, o: tfjs has no operation for it alone. */
export function lstmUpdate(tf: Core, z: Tensor, cell: Tensor): { h: Tensor; c: Tensor } {
  const [input, forget, candidate, output] = tf.split(z, 4, 1);
  const c = tf.add(tf.mul(tf.sigmoid(forget), cell), tf.mul(tf.sigmoid(input), tf.tanh(candidate)));
  return { h: tf.mul(tf.sigmoid(output), tf.tanh(c)), c };
}

/** Single operations, fused where tfjs offers it. */
export function operations(tf: Core): Preparations<Program<Tensor>> {
  return {
    matmul: ({ a, b }) => programOn(tf, [a, b], (left, right) => [tf.matMul(left, right)]),
    conv2d: ({ x, kernel, bias, stride, padding }) =>
      programOn(tf, [x, kernel, bias], (image, filter, offset) => [
        tf.fused.conv2d({
          x: image,
          filter,
          strides: [stride, stride],
          pad: padding,
          bias: offset,
          activation: 'relu',
        }),
      ]),
    pool: ({ operation, x }) =>
      programOn(tf, [x], (image) => [
        operation === 'max'
          ? tf.maxPool(image, [3, 3], [2, 2], 'valid')
          : tf.avgPool(image, [3, 3], [1, 1], 'same'),
      ]),
    softmax: ({ x }) => programOn(tf, [x], (rows) => [tf.softmax(rows)]),
    embedding: ({ table, ids }) => programOn(tf, [table, ids], (vectors, rows) => [tf.gather(vectors, rows)]),
    lstmGates: ({ z, c }) =>
      programOn(tf, [z, c], (gates, cell) => {
        const next = lstmUpdate(tf, gates, cell);
        return [next.h, next.c];
      }),
    lstmStep({ x, h, c, kernel, recurrentKernel, bias }) {
      const zero: HostArray = { shape: [], data: Float32Array.of(0) };
      const joined = reorderGates(stackRows(kernel, recurrentKernel));
      return programOn(
        tf,
        [zero, joined, reorderGates(bias), x, c, h],
        (forgetBias, weights, offset, input, cell, hidden) => {
          const [nextCell, nextHidden] = tf.basicLSTMCell(forgetBias, weights, offset, input, cell, hidden);
          return [nextHidden, nextCell];
        },
      );
    },
  };
}
