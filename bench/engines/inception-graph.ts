import { type Branch, type Step, stages } from '../../src/nn/inception-v3/architecture.ts';

/** What an engine must know to run InceptionV3; `index` counts the convolutions in creation order from 0. */
export interface InceptionOperations<T> {
  convolution(x: T, index: number): T;
  maxPool(x: T): T;
  averagePool(x: T): T;
  /** Along channels; two or more. */
  concat(parts: T[]): T;
}

/**
 * Runs the network, or its stages from `first` to `last`, in an engine's own operations. The first convolution that is met
 * has the index 0.
 */
export function inceptionGraph<T>(
  x: T,
  operations: InceptionOperations<T>,
  first = 'stem1',
  last = 'mixed10',
): T {
  let index = 0;
  const joined = (branches: readonly Branch[], x: T): T => {
    const parts = branches.map((branch) => walk(branch, x));
    return parts.length === 1 ? parts[0] : operations.concat(parts);
  };
  const apply = (step: Step, x: T): T => {
    switch (step.kind) {
      case 'convolution':
        return operations.convolution(x, index++);
      case 'maxPool':
        return operations.maxPool(x);
      case 'averagePool':
        return operations.averagePool(x);
      case 'split':
        return joined(step.branches, x);
    }
  };
  const walk = (branch: Branch, x: T): T => branch.reduce((value, step) => apply(step, value), x);
  const [from, to] = [first, last].map((wanted) => stages.findIndex(({ name }) => name === wanted));
  return stages.slice(from, to + 1).reduce((value, { branches }) => joined(branches, value), x);
}
