import type { Optimiser } from '../../../src/nn/optimisers/optimiser.ts';
import { valueAndGradients } from '../../../src/tensor/autograd.ts';
import { scope } from '../../../src/tensor/scope.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import type { Program } from '../program.ts';

/** Each run is one step of the optimiser down the loss. */
export function trainingProgram(
  loss: () => Tensor,
  optimiser: Optimiser,
  learningRate: number,
  held: readonly { dispose(): void }[],
): Program<Tensor> {
  return {
    trains: true,
    compute: () =>
      scope(() => {
        const { value, gradients } = valueAndGradients(loss, optimiser.parameters);
        optimiser.step(gradients, learningRate);
        return [value.reshape([1])];
      }),
    release() {
      for (const one of [optimiser, ...held]) one.dispose();
    },
  };
}
