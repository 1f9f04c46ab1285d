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

/** Parameters that are changed alike. */
export interface ParameterGroup {
  readonly optimiser: Optimiser;
  readonly learningRate: number;
}

export interface EncoderTrainerOptions {
  readonly model: TrainedEncoder;
  /** The stages that the objective reads. */
  readonly outputs: readonly string[];
  /** All parameters that are trained, each in one group: the network's, the objective's. */
  readonly groups: readonly ParameterGroup[];
  readonly average: MovingAverage | null;
  /** Largest norm of all gradients together. */
  readonly clipNorm: number;
}

/**
 * Steps of gradient descent on the convolutions of an InceptionV3, its batch norms folded into them, and on what its
 * objective has of its own.
 *
 * @example
 * const network = InceptionV3.fromWeights(device, weights, { first: 'mixed6', last: 'mixed8' });
 * const objective = new CaptionsObjective(decoder, captions); // captions[image] are lists of word ids
 * const trainer = new EncoderTrainer({
 *   model: new TrainedEncoder(network, objective),
 *   outputs: ['mixed7', 'mixed8'],
 *   groups: [
 *     { optimiser: new AdamW(network.trainable()), learningRate: 1e-4 },
 *     { optimiser: new AdamW(objective.trainable()), learningRate: 5e-4 },
 *   ],
 *   average: null,
 *   clipNorm: 1,
 * });
 * const loss = await trainer.step([{ images: [0, 1], inputs: () => mixed5Of([0, 1]) }]); // [2, H, W, 768]
 */
export class EncoderTrainer {
  readonly #options: EncoderTrainerOptions;

  constructor(options: EncoderTrainerOptions) {
    this.#options = options;
  }

  /**
   * One step on the mean gradient of some batches of one size, computed one after the other to save memory (gradient
   * accumulation), with each group's learning rate times `rateFactor`; resolves to the mean loss. Throws EkphrasisError
   * when the loss is no number any more; `where` says in it which step this is.
   */
  async step(batches: readonly EncoderBatch[], rateFactor = 1, where = 'this step'): Promise<number> {
    const { model, groups, average, clipNorm } = this.#options;
    model.train();
    const opened = openScope();
    try {
      const watched = groups.flatMap(({ optimiser }) => optimiser.parameters);
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
        throw new EkphrasisError(
          `training: the loss became ${loss} (${where}); lower --encoder-rate and resume`,
        );
      }
      // The limit is for the mean, these are sums.
      const clipped = clipByGlobalNorm(gradients, clipNorm * batches.length).gradients;
      const mean = batches.length === 1 ? clipped : clipped.map((one) => one.scale(1 / batches.length));
      let first = 0;
      for (const { optimiser, learningRate } of groups) {
        const { length } = optimiser.parameters;
        optimiser.step(mean.slice(first, first + length), learningRate * rateFactor);
        first += length;
      }
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
