/** One product on the CPU device with three threads, or with as many as the page may have. */
import { CpuDevice } from '../../src/kernels/cpu/cpu-device.ts';
import type { ThreadsReport } from './report.ts';

const SIZE = 400;

async function compute(): Promise<ThreadsReport> {
  const device = await CpuDevice.create({ threads: 3 });
  const ones = () => ({
    storage: device.upload(new Float32Array(SIZE * SIZE).fill(1)),
    spec: { shape: [SIZE, SIZE], dtype: 'float32' } as const,
  });
  const attributes = { transposeA: false, transposeB: false, activation: 'linear' } as const;
  const sums = new Set<number>();
  for (let round = 0; round < 3; round++) {
    const operands = [ones(), ones()];
    const [product] = device.run('matmul', operands, attributes);
    for (const element of await device.read(product)) sums.add(element);
    for (const { storage } of [...operands, product]) device.release(storage);
    // The threads move to another memory.
    device.trim();
  }
  device.destroy();
  return { description: device.description, sums: [...sums], expected: SIZE };
}

window.threads = compute();
