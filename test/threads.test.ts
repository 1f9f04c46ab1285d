// The threads of the CPU device: the same numbers for every count of them, memory that moves, and how they end.
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import { importSharedMemory } from '../src/kernels/cpu/import-shared-memory.ts';
import { BOARD_BYTES, type Kernel, openJobBoard } from '../src/kernels/cpu/threads/job-board.ts';
import type { Device, Operand } from '../src/kernels/device.ts';
import { KernelError, UnsupportedError } from '../src/kernels/op/errors.ts';
import type { OpAttributes, OpDefinition, OpName, SampleInput } from '../src/kernels/op/op.ts';
import { floatSample, integerSample } from '../src/kernels/op/samples.ts';
import type { DeviceArray } from '../src/kernels/op/spec.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { errorOf } from './errors.ts';

interface Call {
  readonly op: OpName;
  readonly inputs: readonly SampleInput[];
  readonly attributes: unknown;
}

function upload(device: Device, { shape, dtype, data }: SampleInput): Operand {
  const array = dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
  return { storage: device.upload(array), spec: { shape, dtype } };
}

async function results(device: Device, { op, inputs, attributes }: Call): Promise<DeviceArray[]> {
  const operands = inputs.map((input) => upload(device, input));
  const outputs = device.run(op, operands, attributes as OpAttributes[OpName]);
  const read = await Promise.all(outputs.map((output) => device.read(output)));
  for (const { storage } of [...operands, ...outputs]) device.release(storage);
  return read;
}

/** Calls large enough that the work is cut into pieces, with ends that fill no tile, strip or unit. */
function largeCalls(): Call[] {
  const linear = { transposeA: false, transposeB: false, activation: 'linear' } as const;
  const window = { strides: [1, 1], dilations: [1, 1], padding: 'same' } as const;
  const pooling = { size: [3, 3], strides: [2, 2], padding: 'same' } as const;
  const lstm = { activation: 'tanh', recurrentActivation: 'sigmoid' } as const;
  const [image, kernel, g] = [
    [2, 29, 31, 37],
    [3, 3, 37, 45],
    [2, 29, 31, 45],
  ];
  const spread = { ...window, strides: [2, 2] } as const;
  const half = [2, 15, 16, 45];
  const long = [3, 40_013];
  const calls: [OpName, SampleInput[], unknown][] = [
    ['matmul', [floatSample([203, 517], 1), floatSample([517, 1003], 2), floatSample([1003], 3)], linear],
    [
      'matmul',
      [floatSample([517, 203], 1), floatSample([1003, 517], 2)],
      { ...linear, transposeA: true, transposeB: true, activation: 'tanh' },
    ],
    ['matmul', [floatSample([1, 517], 4), floatSample([517, 10_001], 5), floatSample([10_001], 6)], linear],
    ['matmul', [floatSample([3, 259], 4), floatSample([259, 3001], 5)], { ...linear, activation: 'sigmoid' }],
    ['matmul', [floatSample([9, 5000], 7), floatSample([5000, 301], 8)], { ...linear, activation: 'relu' }],
    [
      'conv2d',
      [floatSample(image, 9), floatSample(kernel, 10), floatSample([45], 11)],
      { ...window, activation: 'relu' },
    ],
    ['conv2d', [floatSample(image, 9), floatSample([1, 1, 37, 45], 10)], { ...window, activation: 'linear' }],
    ['conv2dGradientInput', [floatSample(g, 12), floatSample(kernel, 13)], { ...window, inputShape: image }],
    [
      'conv2dGradientInput',
      [floatSample(half, 12), floatSample(kernel, 13)],
      { ...spread, inputShape: image },
    ],
    [
      'conv2dGradientKernel',
      [floatSample(image, 14), floatSample(g, 15)],
      { ...window, kernelShape: kernel },
    ],
    ['maxPool', [floatSample([2, 61, 63, 37], 16)], pooling],
    ['averagePool', [floatSample([2, 61, 63, 37], 17)], pooling],
    ['add', [floatSample(long, 18), floatSample([40_013], 19)], {}],
    ['multiply', [floatSample(long, 20), floatSample([3, 1], 21)], {}],
    ['tanh', [floatSample(long, 22)], {}],
    ['unaryGradient', [floatSample(long, 23), floatSample(long, 24)], { operation: 'sigmoid' }],
    ['lstmGates', [floatSample([37, 4 * 259], 25), floatSample([37, 259], 26)], lstm],
    ['softmax', [floatSample([13, 10_001], 27)], {}],
    ['logSoftmax', [floatSample([13, 10_001], 28)], {}],
    [
      'sparseCrossEntropy',
      [floatSample([13, 10_001], 29), integerSample([13], 30, -1, 10_001)],
      { ignore: -1 },
    ],
    ['topK', [floatSample([13, 10_001], 28)], { k: 3 }],
    ['sum', [floatSample([37, 5003], 31)], { axes: [0], keepDimensions: false }],
    ['mean', [floatSample([5003, 37], 32)], { axes: [1], keepDimensions: false }],
    ['dropout', [floatSample(long, 33)], { rate: 0.4, seed: 7 }],
  ];
  return calls.map(([op, inputs, attributes]) => ({ op, inputs, attributes }));
}

test('every op that has SIMD gives the same bits with one, two and three threads', async () => {
  const devices = await Promise.all([1, 2, 3].map((threads) => CpuDevice.create({ threads })));
  for (const [index, { description }] of devices.entries()) {
    assert.match(description, index === 0 ? /one thread/ : new RegExp(`${index + 1} threads`));
  }
  const samples = (Object.keys(opTable) as OpName[]).flatMap((op) => {
    const definition = opTable[op] as OpDefinition<unknown>;
    return definition.simd ? definition.samples().map((sample) => ({ op, ...sample })) : [];
  });
  const calls = [...samples, ...largeCalls()];
  const covered = new Set(largeCalls().map(({ op }) => op));
  assert.ok(samples.length > covered.size && covered.size > 15);
  for (const call of calls) {
    const [alone, ...shared] = await Promise.all(devices.map((device) => results(device, call)));
    for (const [index, result] of shared.entries()) {
      const shapes = call.inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(' ');
      assert.equal(result, alone, `${call.op} ${shapes} differs with ${index + 2} threads`);
    }
  }
  for (const device of devices) {
    assert.is(device.memory().storages, 0);
    device.destroy();
  }
});

test('threads follow a memory that grows, and one that is replaced', async () => {
  const device = await CpuDevice.create({ threads: 3 });
  const alone = await CpuDevice.create({ threads: 1 });
  const attributes = { transposeA: false, transposeB: false, activation: 'linear' } as const;
  for (let round = 0; round < 6; round++) {
    const held: Operand[] = [];
    for (let step = 0; step < 4; step++) {
      // Blocks of which each needs the memory to grow, so that a product lies where no thread has been yet.
      held.push(upload(device, floatSample([1 << (18 + (step % 3))], step)));
      const inputs = [floatSample([70, 300], round), floatSample([300, 200], step)];
      const call = { op: 'matmul', inputs, attributes } as const;
      assert.equal(await results(device, call), await results(alone, call), `round ${round}, step ${step}`);
    }
    for (const { storage } of held) device.release(storage);
    device.trim();
    assert.is(device.memory().pooledBytes, 0);
  }
  device.destroy();
  alone.destroy();
});

test('a number of threads that cannot be is refused', async () => {
  for (const threads of [0, -1, 1.5, Number.NaN]) {
    const error = await errorOf(UnsupportedError, () => CpuDevice.create({ threads }));
    assert.match(error.message, /threads were asked for; give a whole number from 1/);
  }
});

test('a process ends by itself, its device destroyed or not', () => {
  const { stdout, status, signal } = spawnSync(process.execPath, [process.argv[1], 'forgets'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal({ stdout, status, signal }, { stdout: '3 threads: 300\n', status: 0, signal: null });
});

/** What the process of the test above does. */
async function forget(): Promise<void> {
  const destroyed = await CpuDevice.create({ threads: 2 });
  destroyed.destroy();
  const device = await CpuDevice.create({ threads: 3 });
  const ones = (shape: number[]) =>
    ({ shape, dtype: 'float32', data: Array(shape[0] * shape[1]).fill(1) }) as const;
  const attributes = { transposeA: false, transposeB: false, activation: 'linear' } as const;
  const [[first]] = await results(device, {
    op: 'matmul',
    inputs: [ones([300, 300]), ones([300, 300])],
    attributes,
  });
  console.log(`${/\d threads/.exec(device.description)}: ${first}`);
}

test('a board hands out every unit once, and closes to who comes late', () => {
  const buffer = new SharedArrayBuffer(BOARD_BYTES);
  const [poster, worker] = [openJobBoard(buffer, 4), openJobBoard(buffer, 4)];
  const taken: number[] = [];
  const kernel: Kernel = (first, second, from, to, thread) => {
    assert.equal([first, second, thread], [1.5, 2 ** 31, 0]);
    for (let unit = from; unit < to; unit++) taken.push(unit);
  };
  const never: Kernel = () => assert.unreachable('a piece was left for who came late');
  for (const count of [1, 5, 100, 1001]) {
    taken.length = 0;
    poster.post(1, [1.5, 2 ** 31], count, 3);
    poster.work([never, kernel], 0);
    assert.equal(
      taken,
      Array.from({ length: count }, (_, unit) => unit),
    );
    assert.ok(poster.close());
  }
  // Recalled, a worker leaves at once; it would wait for ever for a job otherwise.
  worker.serve([never, never], 1, poster.recall() - 1);
});

test('a failure in a worker is told to who posted the job', () => {
  const board = openJobBoard(new SharedArrayBuffer(BOARD_BYTES), 2);
  board.post(0, [], 4, 1);
  const failing: Kernel = () => {
    board.recall();
    throw new RangeError('out of bounds');
  };
  board.serve([failing], 1, 0);
  assert.is(board.close(), false);
});

test('the kernels for a shared memory differ from the others in one bit, and in what they accept', async () => {
  const program = Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    // The import section: "env" "memory", a memory from 1 to 65536 pages.
    ...[2, 18, 1, 3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 1, 1, 0x80, 0x80, 4],
  );
  const bind = async (bytes: Uint8Array<ArrayBuffer>, shared: boolean) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared });
    await WebAssembly.instantiate(bytes, { env: { memory } });
  };
  const shared = importSharedMemory(program);
  assert.equal(
    [...shared].map((byte, index) => byte ^ program[index]).filter((difference) => difference !== 0),
    [2],
  );
  await bind(program, false);
  await bind(shared, true);
  await errorOf(WebAssembly.LinkError, () => bind(program, true));
  await errorOf(WebAssembly.LinkError, () => bind(shared, false));
  await errorOf(KernelError, async () => importSharedMemory(program.subarray(0, 8)));
});

if (process.argv[2] === 'forgets') await forget();
else test.run();
