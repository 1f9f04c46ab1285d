/** Activations that a kernel can apply to its result; hardSigmoid is Keras 2's clip(0.2·x + 0.5, 0, 1). */
export type Activation = 'linear' | 'relu' | 'sigmoid' | 'tanh' | 'hardSigmoid';

/** In the order of the codes that shaders and SIMD kernels know them by. */
export const ACTIVATIONS: readonly Activation[] = ['linear', 'relu', 'sigmoid', 'tanh', 'hardSigmoid'];

/** Position in {@link ACTIVATIONS}: 0 linear, 1 relu, 2 sigmoid, 3 tanh, 4 hardSigmoid. */
export function activationCode(activation: Activation): number {
  return ACTIVATIONS.indexOf(activation);
}

const functions: Readonly<Record<Activation, (x: number) => number>> = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  hardSigmoid: (x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1),
};

const slopes: Readonly<Record<Activation, (y: number) => number>> = {
  linear: () => 1,
  relu: (y) => (y > 0 ? 1 : 0),
  sigmoid: (y) => y * (1 - y),
  tanh: (y) => 1 - y * y,
  hardSigmoid: (y) => (y > 0 && y < 1 ? 0.2 : 0),
};

/** The scalar function f. */
export function activationFunction(activation: Activation): (x: number) => number {
  return functions[activation];
}

/** f′ expressed in y = f(x), which is all that a backward pass keeps; 0 at the kinks of relu and hardSigmoid. */
export function activationSlope(activation: Activation): (y: number) => number {
  return slopes[activation];
}
