import type { Shader } from '../op/op.ts';

/** Activations that a kernel can apply to its result; hardSigmoid is Keras 2's clip(0.2·x + 0.5, 0, 1). */
export type Activation = 'linear' | 'relu' | 'sigmoid' | 'tanh' | 'hardSigmoid';

interface Formulas {
  /** The activation itself. */
  readonly value: (x: number) => number;
  /** Its derivative, expressed in its own output; 0 at the kinks of relu and hardSigmoid. */
  readonly slope: (y: number) => number;
  /** WGSL expressions of the same, in `x` and `y`. */
  readonly wgslValue: string;
  readonly wgslSlope: string;
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function hardSigmoid(x: number): number {
  return Math.min(1, Math.max(0, 0.2 * x + 0.5));
}

// WGSL leaves the result of an overflowing exp open, so arguments are clamped where the result has long saturated.
export const activations: Readonly<Record<Activation, Formulas>> = {
  linear: { value: (x) => x, slope: () => 1, wgslValue: 'x', wgslSlope: '1.0' },
  relu: {
    value: (x) => Math.max(x, 0),
    slope: (y) => (y > 0 ? 1 : 0),
    wgslValue: 'max(x, 0.0)',
    wgslSlope: 'select(0.0, 1.0, y > 0.0)',
  },
  sigmoid: {
    value: sigmoid,
    slope: (y) => y * (1 - y),
    wgslValue: '1.0 / (1.0 + exp(clamp(-x, -80.0, 80.0)))',
    wgslSlope: 'y * (1.0 - y)',
  },
  tanh: {
    value: Math.tanh,
    slope: (y) => 1 - y * y,
    wgslValue: 'tanh(clamp(x, -15.0, 15.0))',
    wgslSlope: '1.0 - y * y',
  },
  hardSigmoid: {
    value: hardSigmoid,
    slope: (y) => (y > 0 && y < 1 ? 0.2 : 0),
    wgslValue: 'clamp(0.2 * x + 0.5, 0.0, 1.0)',
    wgslSlope: 'select(0.0, 0.2, y > 0.0 && y < 1.0)',
  },
};

/** Hook that replaces `fn activate(x: f32) -> f32` (or a function of another name) in a shader. */
export function activationHook(activation: Activation, functionName = 'activate'): Shader {
  return {
    name: `${functionName}-${activation}`,
    source: `fn ${functionName}(x: f32) -> f32 { return ${activations[activation].wgslValue}; }`,
  };
}

/** Hook that replaces `fn activationSlope(y: f32) -> f32` (or a function of another name) in a shader. */
export function slopeHook(activation: Activation, functionName = 'activationSlope'): Shader {
  return {
    name: `${functionName}-${activation}`,
    source: `fn ${functionName}(y: f32) -> f32 { return ${activations[activation].wgslSlope}; }`,
  };
}
