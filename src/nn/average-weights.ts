import { FormatError } from '../kernels/op/errors.ts';
import { sameShape } from '../kernels/op/spec.ts';
import type { HostWeight } from './module.ts';

/**
 * The mean of the weights of several models that were trained on from one, which often does better than each of them
 * (Wortsman et al. 2022, "Model soups", arXiv 2203.05482). Sums in float64. Throws FormatError where names or shapes differ.
 */
export function averageWeights(models: readonly ReadonlyMap<string, HostWeight>[]): Map<string, HostWeight> {
  const [first, ...others] = models;
  const averages = new Map<string, HostWeight>();
  for (const [name, { shape, data }] of first) {
    const sums = Float64Array.from(data);
    for (const model of others) {
      const weight = model.get(name);
      if (!weight || !sameShape(weight.shape, shape) || model.size !== first.size) {
        throw new FormatError(
          `the weight "${name}" [${shape.join(', ')}] is not in every model alike; average only models of one architecture`,
        );
      }
      const values = weight.data;
      for (let index = 0; index < sums.length; index++) sums[index] += values[index];
    }
    averages.set(name, { shape, data: Float32Array.from(sums, (sum) => sum / models.length) });
  }
  return averages;
}
