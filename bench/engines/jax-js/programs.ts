import type { Array as JaxArray } from '@jax-js/jax';
import type { HostArray } from '../../workload.ts';
import { imagesChannelsFirst, kernelFiltersFirst } from '../channels-first.ts';
import { inceptionGraph } from '../inception-graph.ts';
import type { Preparations } from '../preparations.ts';
import type { Program } from '../program.ts';

export type Jax = typeof import('@jax-js/jax');

const upload = ({ numpy }: Jax, { shape, data }: HostArray): JaxArray =>
  numpy.array(data, { shape: [...shape] });

/**
 * A function under `jit` on uploaded operands. jax-js is lazy: what nobody asks for is never computed. So every run asks
 * for its outputs, which submits the work and does not wait for it.
 */
function programOn(
  jax: Jax,
  operands: readonly HostArray[],
  compute: (...inputs: JaxArray[]) => JaxArray[],
): Program<JaxArray> {
  const inputs = operands.map((operand) => upload(jax, operand));
  const compiled = jax.jit(compute);
  return {
    async compute() {
      const outputs = compiled(...inputs.map((input) => input.ref));
      for (const output of outputs) await output.ref.gpuBuffer();
      return outputs;
    },
    release() {
      compiled.dispose();
      for (const input of inputs) input.dispose();
    },
  };
}

const padded = (padding: 'same' | 'valid') => (padding === 'same' ? 'SAME' : 'VALID');

/** relu(x ∗ kernel + bias) on [N, C, H, W]; the bias is [1, O, 1, 1]. */
function convolution(
  { lax, nn }: Jax,
  x: JaxArray,
  kernel: JaxArray,
  bias: JaxArray,
  stride: number,
  padding: 'same' | 'valid',
): JaxArray {
  return nn.relu(lax.conv(x, kernel, [stride, stride], padded(padding)).add(bias));
}

const maxPool = ({ lax, numpy }: Jax, x: JaxArray) =>
  lax.reduceWindow(x, (window) => numpy.max(window), [3, 3], [2, 2]);

/** Sums of windows over an edge of zeros, times one over the number of pixels in each. */
function averagePool({ lax, numpy }: Jax, x: JaxArray): JaxArray {
  const [, , height, width] = x.shape;
  const within = (at: number, side: number) => Math.min(at + 1, side - 1) - Math.max(at - 1, 0) + 1;
  const shares = Float32Array.from(
    { length: height * width },
    (_, at) => 1 / (within(Math.floor(at / width), height) * within(at % width, width)),
  );
  const edge = numpy.pad(x, [
    [0, 0],
    [0, 0],
    [1, 1],
    [1, 1],
  ]);
  const sums = lax.reduceWindow(edge, (window) => numpy.sum(window), [3, 3], [1, 1]);
  return sums.mul(numpy.array(shares, { shape: [1, 1, height, width] }));
}

function lstmUpdate({ nn, numpy }: Jax, z: JaxArray, cell: JaxArray): JaxArray[] {
  const [input, forget, candidate, output] = numpy.split(z, 4, 1);
  const c = nn
    .sigmoid(forget)
    .mul(cell)
    .add(nn.sigmoid(input).mul(numpy.tanh(candidate)));
  return [nn.sigmoid(output).mul(numpy.tanh(c.ref)), c];
}

const asColumn = ({ shape, data }: HostArray): HostArray => ({ shape: [1, shape[0], 1, 1], data });

/** What jax-js is given of each kind of work. Images are [N, C, H, W] there. */
export function jaxPrograms(jax: Jax): Preparations<Program<JaxArray>> {
  const { numpy, nn } = jax;
  return {
    matmul: ({ a, b }) => programOn(jax, [a, b], (left, right) => [numpy.matmul(left, right)]),
    conv2d: ({ x, kernel, bias, stride, padding }) =>
      programOn(
        jax,
        [imagesChannelsFirst(x), kernelFiltersFirst(kernel), asColumn(bias)],
        (image, weights, offset) => [convolution(jax, image, weights, offset, stride, padding)],
      ),
    pool: ({ operation, x }) =>
      programOn(jax, [imagesChannelsFirst(x)], (image) => [
        operation === 'max' ? maxPool(jax, image) : averagePool(jax, image),
      ]),
    softmax: ({ x }) => programOn(jax, [x], (rows) => [nn.softmax(rows, -1)]),
    embedding: ({ table, ids }) =>
      programOn(jax, [table, ids], (vectors, rows) => [numpy.take(vectors, rows, 0)]),
    lstmGates: ({ z, c }) => programOn(jax, [z, c], (gates, cell) => lstmUpdate(jax, gates, cell)),
    lstmStep: ({ x, h, c, kernel, recurrentKernel, bias }) =>
      programOn(
        jax,
        [x, h, c, kernel, recurrentKernel, bias],
        (input, hidden, cell, weights, recurrent, offset) => {
          const z = numpy.matmul(input, weights).add(numpy.matmul(hidden, recurrent)).add(offset);
          return lstmUpdate(jax, z, cell);
        },
      ),
    inceptionV3({ images, convolutions }) {
      const weights = convolutions.flatMap(({ kernel, kernelData, bias }) => [
        kernelFiltersFirst({ shape: kernel, data: kernelData }),
        asColumn({ shape: [kernel[3]], data: bias }),
      ]);
      return programOn(jax, [imagesChannelsFirst(images), ...weights], (pictures, ...parameters) => {
        // Every branch consumes its own reference; the last one is given back.
        const result = inceptionGraph(pictures, {
          convolution(x, index) {
            const { stride, padding } = convolutions[index];
            const [kernel, bias] = parameters.slice(2 * index, 2 * index + 2);
            return convolution(jax, x.ref, kernel, bias, stride, padding);
          },
          maxPool: (x) => maxPool(jax, x.ref),
          averagePool: (x) => averagePool(jax, x.ref),
          concat: (parts) => numpy.concatenate(parts, 1),
        });
        return [result];
      });
    },
  };
}
