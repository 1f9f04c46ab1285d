/** A profile and a tuned product, on the WebGPU device of a browser. */
import { type Device, requestDevice } from '../../src/index.ts';
import type { MeasureReport } from './report.ts';

const ROWS = 30;
const INNER = 40;
const COLUMNS = 50;

function multiply(device: Device): void {
  const operand = (rows: number, columns: number) => ({
    storage: device.upload(new Float32Array(rows * columns).fill(1)),
    spec: { shape: [rows, columns], dtype: 'float32' } as const,
  });
  const inputs = [operand(ROWS, INNER), operand(INNER, COLUMNS)];
  const attributes = { transposeA: false, transposeB: false, activation: 'linear' } as const;
  const outputs = device.run('matmul', inputs, attributes);
  for (const { storage } of [...inputs, ...outputs]) device.release(storage);
}

async function measure(): Promise<MeasureReport> {
  const [first, second] = [
    await requestDevice({ prefer: 'webgpu' }),
    await requestDevice({ prefer: 'webgpu' }),
  ];
  const { calls, place } = await first.tune(() => multiply(first));
  const { profile } = await first.profile(() => {
    for (let run = 0; run < 5; run++) multiply(first);
  });
  first.destroy();
  second.destroy();
  const later = await requestDevice({ prefer: 'webgpu' });
  const descriptions = [second.description, later.description];
  later.destroy();
  return {
    clock: profile.clock,
    rows: profile.rows,
    calls,
    place,
    descriptions,
    flops: 2 * ROWS * INNER * COLUMNS,
  };
}

window.measure = measure();
