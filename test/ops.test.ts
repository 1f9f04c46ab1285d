import { test } from 'uvu';
import { CpuDevice } from '../src/kernels/cpu/cpu-device.ts';
import { opCases } from './op-suite.ts';

const device = await CpuDevice.create();

for (const { name, run } of opCases()) test(`CPU: ${name}`, () => run(device));

test.run();
