/**
 * The tensor engine: devices, tensors, automatic differentiation. Importing it touches nothing; begin with `requestDevice()`.
 */

export type { Device, MemoryReport } from './kernels/device.ts';
export * from './kernels/op/errors.ts';
export type { AdapterFacts, OpAttributes, OpName } from './kernels/op/op.ts';
export type { DeviceArray, DType, Shape, TensorSpec } from './kernels/op/spec.ts';
export type { Activation } from './kernels/parts/activation.ts';
export {
  type Profile,
  type Profiled,
  type ProfileRow,
  type ProfileTotals,
  profileByOp,
  profileTotals,
} from './kernels/profiling/profile.ts';
export type { TunedCall, TuningProgress, TuningReport } from './kernels/profiling/tuning.ts';
export { type DeviceOptions, requestDevice } from './kernels/request-device.ts';
export { type ValueAndGradients, valueAndGradients } from './tensor/autograd.ts';
export { capture, type Plan } from './tensor/capture.ts';
export { Concatenation } from './tensor/concatenation.ts';
export * from './tensor/functions.ts';
export { Parameter } from './tensor/parameter.ts';
export { type OpenScope, openScope, scope } from './tensor/scope.ts';
export { execute, executeAll, executeOn, scalar, Tensor } from './tensor/tensor.ts';
