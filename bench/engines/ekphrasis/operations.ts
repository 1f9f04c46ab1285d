import type { Device } from '../../../src/kernels/device.ts';
import { averagePool, conv2d, gather, lstmGates, matmul, maxPool } from '../../../src/tensor/functions.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import type { Preparations } from '../preparations.ts';
import type { Program } from '../program.ts';
import { programOn } from './program.ts';

/** Single operations, each as a caller of the library would write it. */
export function operations(device: Device): Preparations<Program<Tensor>> {
  return {
    matmul: ({ a, b }) => programOn(device, [a, b], (left, right) => [matmul(left, right)]),
    conv2d: ({ x, kernel, bias, stride, padding }) =>
      programOn(device, [x, kernel, bias], (image, weights, offset) => [
        conv2d(image, weights, { bias: offset, strides: [stride, stride], padding, activation: 'relu' }),
      ]),
    pool: ({ operation, x }) =>
      programOn(device, [x], (image) => [
        operation === 'max'
          ? maxPool(image, { size: [3, 3], strides: [2, 2], padding: 'valid' })
          : averagePool(image, { size: [3, 3], strides: [1, 1], padding: 'same' }),
      ]),
    softmax: ({ x }) => programOn(device, [x], (rows) => [rows.softmax()]),
    embedding: ({ table, ids }) =>
      programOn(device, [table, ids], (vectors, rows) => [gather(vectors, rows)]),
    lstmGates: ({ z, c }) =>
      programOn(device, [z, c], (gates, cell) => {
        const next = lstmGates(gates, cell, 'tanh', 'sigmoid');
        return [next.h, next.c];
      }),
    lstmStep: ({ x, h, c, kernel, recurrentKernel, bias }) =>
      programOn(
        device,
        [x, h, c, kernel, recurrentKernel, bias],
        (input, hidden, cell, weights, recurrent, offset) => {
          const z = matmul(input, weights, { bias: offset }).add(matmul(hidden, recurrent));
          const next = lstmGates(z, cell, 'tanh', 'sigmoid');
          return [next.h, next.c];
        },
      ),
  };
}
