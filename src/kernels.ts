/**
 * The kernels by themselves, to run, time and check them one by one: the table of all ops with their shaders, reference
 * implementations and samples, and what runs an op by its name.
 */

export type { Device } from './kernels/device.ts';
export type {
  AdapterFacts,
  CpuCall,
  GpuCall,
  Launch,
  OpAttributes,
  OpDefinition,
  OpName,
  Sample,
  SampleInput,
  Shader,
} from './kernels/op/op.ts';
export { opTable } from './kernels/op-table.ts';
export { profileByOp, profileTotals } from './kernels/profiling/profile.ts';
export { type DeviceOptions, requestDevice } from './kernels/request-device.ts';
export { execute, executeAll, executeOn, Tensor } from './tensor/tensor.ts';
