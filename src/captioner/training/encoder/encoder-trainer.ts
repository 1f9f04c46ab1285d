import { EkphrasisError } from '../../../kernels/op/errors.ts';
import type { InceptionV3 } from '../../../nn/inception-v3/inception-v3.ts';
import { Module } from '../../../nn/module.ts';
import type { MovingAverage } from '../../../nn/moving-average.ts';
import { clipByGlobalNorm } from '../../../nn/optimisers/clip.ts';
import type { Optimiser } from '../../../nn/optimisers/optimiser.ts';
import { valueAndGradients } from '../../../tensor/autograd.ts';
import { openScope } from '../../../tensor/scope.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { EncoderObjective, StageOutputs } from './encoder-objective.ts';

/** The trained part of an encoder, and what it is trained for. */
export class TrainedEncoder extends Module {
  readonly network: InceptionV3;
  readonly objective: EncoderObjective;

  constructor(network: InceptionV3, objective: EncoderObjective) {
    super();
    this.network = network;
    this.objective = objective;
  }
}

/** Some images: what enters the network [N, H, W, C], and their numbers for the objective. */
export interface EncoderBatch {
  readonly inputs: () => Tensor;
  readonly images: readonly number[];
}

export interface EncoderTrainerOptions {
  readonly model: TrainedEncoder;
  /** The stages that the objective reads. */
  readonly outputs: readonly string[];
  /** Changes the network's parameters. */
  readonly network: Optimiser;
  /** Changes the objective's own. */
  readonly objective: Optimiser;
  readonly average: MovingAverage | null;
  /** Largest norm of all gradients together. */
  readonly clipNorm: number;
}

/** Steps of gradient descent on the convolutions of an InceptionV3, its batch norms folded into them. */
export class EncoderTrainer {
  readonly #options: EncoderTrainerOptions;

  constructor(options: EncoderTrainerOptions) {
    this.#options = options;
  }

  /**
   * One step on the mean gradient of some batches of one size, computed one after the other to save memory (gradient
   * accumulation); resolves to the mean loss. Throws EkphrasisError when the loss is no number any more.
   */
  async step(
    batches: readonly EncoderBatch[],
    rates: { readonly network: number; readonly objective: number },
  ): Promise<number> {
    const { model, network, objective, average, clipNorm } = this.#options;
    const opened = openScope();
    try {
      const watched = [...network.parameters, ...objective.parameters];
      let gradients: Tensor[] = [];
      let loss = 0;
      for (const { inputs, images } of batches) {
        const x = inputs();
        const result = valueAndGradients(() => model.objective.loss(this.outputs(x), images), watched);
        x.dispose();
        gradients = gradients.length === 0 ? result.gradients : addInto(gradients, result.gradients);
        loss += (await result.value.item()) / batches.length;
        result.value.dispose();
      }
      if (!Number.isFinite(loss)) {
        throw new EkphrasisError(`training: the loss became ${loss}; lower --encoder-rate and resume`);
      }
      // The limit is for the mean, these are sums.
      const clipped = clipByGlobalNorm(gradients, clipNorm * batches.length).gradients;
      const mean = batches.length === 1 ? clipped : clipped.map((one) => one.scale(1 / batches.length));
      network.step(mean.slice(0, network.parameters.length), rates.network);
      objective.step(mean.slice(network.parameters.length), rates.objective);
      average?.update();
      return loss;
    } finally {
      opened.close();
    }
  }

  /** The stages that the objective reads, of what enters the network. */
  outputs(x: Tensor): StageOutputs {
    return this.#options.model.network.forward(x, this.#options.outputs);
  }
}

/** The sums, in the place of the terms. */
function addInto(sums: readonly Tensor[], terms: readonly Tensor[]): Tensor[] {
  return sums.map((sum, index) => {
    const next = sum.add(terms[index]);
    sum.dispose();
    terms[index].dispose();
    return next;
  });
}
