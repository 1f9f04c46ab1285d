/**
 * Weights of an InceptionV3 by a formula, so that golden numbers of the whole network need no file of weights. Kernels are
 * uniform with the variance 2 / fan in, which keeps activations of one size from block to block (He et al. 2015).
 *
 * @param {readonly (readonly number[])[]} kernels shapes [height, width, in, out] in creation order
 * @param {new (seed: number) => { uniform(low: number, high: number): number }} Random the library's generator
 * @returns of each convolution its kernel, and beta, mean and variance of its batch norm
 */
export function drawnWeights(kernels, Random) {
  return kernels.map((shape, index) => {
    const random = new Random(index + 1);
    const draw = (count, low, high) => Float32Array.from({ length: count }, () => random.uniform(low, high));
    const [height, width, inputs, filters] = shape;
    const limit = Math.sqrt(6 / (height * width * inputs));
    return {
      kernel: draw(height * width * inputs * filters, -limit, limit),
      beta: draw(filters, -0.1, 0.3),
      mean: draw(filters, -0.1, 0.1),
      variance: draw(filters, 0.5, 1.5),
    };
  });
}
