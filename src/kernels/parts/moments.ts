import source from '../../../shaders/moments.wgsl';
import { checkAlike, checkInputCount } from '../op/checks.ts';
import type { GpuCall, Launch, SampleInput, Shader } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { elementCount, type TensorSpec } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from './grid.ts';

/** What optimisers have in common that keep running means of the gradient, m, and of its square, v. */
export interface MomentAttributes {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Number of this update, from 1. */
  readonly step: number;
}

/** Specs of the updated parameter, m and v, from parameter, gradient, m and v. */
export function inferMoments(op: string, inputs: readonly TensorSpec[]): TensorSpec[] {
  checkInputCount(op, inputs, 4);
  checkAlike(op, inputs);
  return [inputs[0], inputs[2], inputs[3]];
}

/** The launch of an update; `hook` is the optimiser's `change` of a parameter, with uniforms of its own. */
export function momentsLaunch(
  hook: Shader,
  uniforms: Readonly<Record<string, number>>,
  { outputs, attributes, adapter }: GpuCall<MomentAttributes>,
): Launch {
  const count = elementCount(outputs[0].shape);
  const { beta1, beta2, epsilon } = attributes;
  return {
    shader: { name: 'moments', source },
    hooks: [hook],
    uniforms: {
      count,
      beta1,
      beta2,
      // Computed here: 1 - beta2 in float32 would have but four digits.
      complement1: 1 - beta1,
      complement2: 1 - beta2,
      epsilon,
      ...uniforms,
    },
    grid: linearGrid(count, WORKGROUP_SIZE, adapter),
  };
}

/** Parameter, gradient, m and v for the tests. */
export function momentSamples(): SampleInput[] {
  return [
    floatSample([5, 31], 1),
    floatSample([5, 31], 2, -0.1, 0.1),
    floatSample([5, 31], 3, -0.1, 0.1),
    floatSample([5, 31], 4, 0, 0.01),
  ];
}
