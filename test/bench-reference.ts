/** The benchmark's operations in the plainest form that there is, in float64: what each of its workloads must give. */
import type { HostArray, Workload } from '../bench/workload.ts';

type Numbers = Float64Array | Float32Array | Int32Array;
type Kind<K extends Workload['kind']> = Extract<Workload, { kind: K }>;

function product(a: Numbers, b: Numbers, [m, k, n]: readonly number[]): Float64Array {
  const y = new Float64Array(m * n);
  for (let row = 0; row < m; row++) {
    for (let i = 0; i < k; i++) {
      for (let column = 0; column < n; column++) y[row * n + column] += a[row * k + i] * b[i * n + column];
    }
  }
  return y;
}

/** Calls `visit` with the index of an output pixel and the coordinates of each input pixel in its window. */
function windows(
  [height, width]: readonly number[],
  [windowHeight, windowWidth]: readonly number[],
  stride: number,
  padding: 'same' | 'valid',
  visit: (output: number, y: number, x: number, inWindow: number) => void,
): void {
  const axis = (side: number, size: number) => {
    const count = padding === 'same' ? Math.ceil(side / stride) : Math.floor((side - size) / stride) + 1;
    const missing = padding === 'same' ? Math.max(0, (count - 1) * stride + size - side) : 0;
    return { count, before: Math.floor(missing / 2) };
  };
  const [rows, columns] = [axis(height, windowHeight), axis(width, windowWidth)];
  for (let output = 0; output < rows.count * columns.count; output++) {
    for (let inWindow = 0; inWindow < windowHeight * windowWidth; inWindow++) {
      const y =
        Math.floor(output / columns.count) * stride - rows.before + Math.floor(inWindow / windowWidth);
      const x = (output % columns.count) * stride - columns.before + (inWindow % windowWidth);
      if (y >= 0 && y < height && x >= 0 && x < width) visit(output, y, x, inWindow);
    }
  }
}

function convolution({ x, kernel, bias, stride, padding }: Kind<'conv2d'>): Float64Array {
  const [, height, width, channels] = x.shape;
  const [windowHeight, windowWidth, , filters] = kernel.shape;
  const sums: number[] = [];
  windows([height, width], [windowHeight, windowWidth], stride, padding, (output, row, column, inWindow) => {
    for (let filter = 0; filter < filters; filter++) sums[output * filters + filter] ??= bias.data[filter];
    for (let channel = 0; channel < channels; channel++) {
      const value = x.data[(row * width + column) * channels + channel];
      const from = (inWindow * channels + channel) * filters;
      for (let filter = 0; filter < filters; filter++) {
        sums[output * filters + filter] += value * kernel.data[from + filter];
      }
    }
  });
  return Float64Array.from(sums, (sum) => Math.max(0, sum));
}

function pool({ operation, x }: Kind<'pool'>): Float64Array {
  const [, height, width, channels] = x.shape;
  const largest = operation === 'max';
  const result: number[] = [];
  const counts: number[] = [];
  windows([height, width], [3, 3], largest ? 2 : 1, largest ? 'valid' : 'same', (output, row, column) => {
    counts[output] = (counts[output] ?? 0) + 1;
    for (let channel = 0; channel < channels; channel++) {
      const value = x.data[(row * width + column) * channels + channel];
      const at = output * channels + channel;
      if (largest) result[at] = Math.max(result[at] ?? value, value);
      else result[at] = (result[at] ?? 0) + value;
    }
  });
  return Float64Array.from(result, (value, at) =>
    largest ? value : value / counts[Math.floor(at / channels)],
  );
}

function softmax({ x }: Kind<'softmax'>): Float64Array {
  const [rows, columns] = x.shape;
  const y = Float64Array.from(x.data, Math.exp);
  for (let row = 0; row < rows; row++) {
    const part = y.subarray(row * columns, (row + 1) * columns);
    const sum = part.reduce((total, value) => total + value, 0);
    part.forEach((value, index) => {
      part[index] = value / sum;
    });
  }
  return y;
}

function gates(z: Numbers, c: Numbers, units: number): Float64Array[] {
  const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
  const hidden = new Float64Array(c.length);
  const cell = new Float64Array(c.length);
  for (let at = 0; at < c.length; at++) {
    const start = 4 * units * Math.floor(at / units) + (at % units);
    const [input, forget, candidate, output] = [0, 1, 2, 3].map((gate) => z[start + gate * units]);
    cell[at] = sigmoid(forget) * c[at] + sigmoid(input) * Math.tanh(candidate);
    hidden[at] = sigmoid(output) * Math.tanh(cell[at]);
  }
  return [hidden, cell];
}

function lstmStep({ x, h, c, kernel, recurrentKernel, bias }: Kind<'lstmStep'>): Float64Array[] {
  const multiply = (a: HostArray, b: HostArray) =>
    product(a.data, b.data, [a.shape[0], a.shape[1], b.shape[1]]);
  const recurrent = multiply(h, recurrentKernel);
  const z = multiply(x, kernel).map((sum, at) => sum + recurrent[at] + bias.data[at % bias.data.length]);
  return gates(z, c.data, c.shape[1]);
}

/** The outputs of a workload, or null for the kinds that are too long to be said plainly. */
export function plainResult(workload: Workload): Numbers[] | null {
  switch (workload.kind) {
    case 'matmul': {
      const { a, b } = workload;
      return [product(a.data, b.data, [a.shape[0], a.shape[1], b.shape[1]])];
    }
    case 'conv2d':
      return [convolution(workload)];
    case 'pool':
      return [pool(workload)];
    case 'softmax':
      return [softmax(workload)];
    case 'embedding': {
      const [, width] = workload.table.shape;
      const rows = Array.from(workload.ids.data, (id) =>
        workload.table.data.slice(id * width, (id + 1) * width),
      );
      return [Float64Array.from(rows.flatMap((row) => [...row]))];
    }
    case 'lstmGates':
      return gates(workload.z.data, workload.c.data, workload.c.shape[1]);
    case 'lstmStep':
      return lstmStep(workload);
    default:
      return null;
  }
}
