import type { Device } from '../../kernels/device.ts';
import { EkphrasisError } from '../../kernels/errors.ts';
import { clipByGlobalNorm } from '../../nn/optimisers/clip.ts';
import type { Optimiser } from '../../nn/optimisers/optimiser.ts';
import type { Random } from '../../nn/random.ts';
import { type RateSchedule, rateFactor } from '../../nn/schedules.ts';
import { valueAndGradients } from '../../tensor/autograd.ts';
import { openScope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { type Batch, batches, inParts, layOut, type TrainingImage } from './batches.ts';
import { scheduledInputs } from './scheduled-sampling.ts';
import { policyLoss, type SelfCritical } from './self-critical.ts';
import { type FeatureTable, type Objective, teacherForcingLoss } from './teacher-forcing.ts';

export interface Schedule extends Objective {
  readonly learningRate: number;
  readonly kind: RateSchedule['kind'];
  /** Steps over which the rate first rises evenly to the whole. */
  readonly warmUp: number;
  /** Of `step`: the rate is multiplied by `decay` at every period after this many. */
  readonly decayAfter: number;
  readonly decay: number;
  /** Steps of such a period; null for an epoch. */
  readonly decayEvery: number | null;
  /** Largest norm of all gradients together. */
  readonly clipNorm: number;
  /** Images a batch, each with all of its captions. */
  readonly batchImages: number;
  /** Probability that the model's own word enters in place of the true one (scheduled sampling). Default 0. */
  readonly scheduledSampling?: number;
}

export interface TrainingData {
  readonly train: readonly TrainingImage[];
  readonly dev: readonly TrainingImage[];
  readonly features: FeatureTable;
}

export interface Progress {
  readonly batch: number;
  readonly batches: number;
  /** Mean loss per word so far in the epoch, in nats; of a self-critical epoch the mean reward of a sampled sentence. */
  readonly loss: number;
  readonly learningRate: number;
}

/** How self-critical training is mixed with teacher forcing. */
export interface Criticism {
  readonly selfCritical: SelfCritical;
  /** What the cross-entropy of the images' own captions is multiplied by before it is added; 0 for none. */
  readonly crossEntropy: number;
}

/** The rate of a step, counted from 0 over all epochs. */
export function learningRateAt(
  { learningRate, decayEvery, ...schedule }: Schedule,
  step: number,
  { stepsPerEpoch, epochs }: { readonly stepsPerEpoch: number; readonly epochs: number },
): number {
  const period = decayEvery ?? stepsPerEpoch;
  return learningRate * rateFactor({ ...schedule, period }, step, epochs * stepsPerEpoch);
}

export interface TrainerOptions {
  readonly device: Device;
  readonly decoder: Decoder;
  readonly optimiser: Optimiser;
  readonly schedule: Schedule;
  /** Epochs of the whole training, at whose end a cosine has fallen to 0. */
  readonly epochs: number;
  /** Orders the batches and schedules the sampling; the decoder's dropouts have their own. */
  readonly random: Random;
  /** Trains on the rewards of the decoder's own sentences. Default: by teacher forcing. */
  readonly criticism?: Criticism | null;
}

/**
 * Trains a decoder on features that were computed before, by teacher forcing or, given `criticism`, by the rewards of its
 * own sentences. Losses are means per word, in nats; that of training is what is minimised, that of evaluation the plain
 * cross-entropy.
 */
export class Trainer {
  readonly #options: TrainerOptions;

  constructor(options: TrainerOptions) {
    this.#options = options;
  }

  /**
   * One pass over the training images in a new order, the epoch of this number, counted from 1; resolves to the mean loss,
   * or to the mean reward of a self-critical one. Throws when the loss diverges.
   */
  async trainEpoch(data: TrainingData, epoch: number, report: (progress: Progress) => void): Promise<number> {
    const { decoder, schedule, epochs, random, criticism } = this.#options;
    decoder.train();
    const stepsPerEpoch = Math.ceil(data.train.length / schedule.batchImages);
    const mean = new Mean();
    let number = 0;
    for (const images of inParts(data.train, schedule.batchImages, random)) {
      const step = (epoch - 1) * stepsPerEpoch + number;
      const learningRate = learningRateAt(schedule, step, { stepsPerEpoch, epochs });
      if (criticism) {
        mean.add(await this.#criticise(criticism, images, data.features, learningRate), images.length);
      } else {
        const batch = layOut(images);
        mean.add(await this.#force(batch, data.features, learningRate), batch.targets.length);
      }
      report({ batch: ++number, batches: stepsPerEpoch, loss: mean.value, learningRate });
    }
    return mean.value;
  }

  /** The mean loss over the images held out for choosing. */
  async evaluate(data: TrainingData): Promise<number> {
    const { device, decoder, schedule } = this.#options;
    decoder.train(false);
    const mean = new Mean();
    for (const batch of batches(data.dev, schedule.batchImages)) {
      const opened = openScope();
      try {
        const loss = teacherForcingLoss(device, decoder, batch, data.features);
        mean.add(await loss.item(), batch.targets.length);
      } finally {
        opened.close();
      }
    }
    return mean.value;
  }

  /** A step down the loss of a batch under teacher forcing; resolves to it. */
  async #force(batch: Batch, features: FeatureTable, rate: number): Promise<number> {
    const { device, decoder, schedule, random } = this.#options;
    const { scheduledSampling = 0 } = schedule;
    const opened = openScope();
    try {
      const inputs =
        scheduledSampling > 0
          ? scheduledInputs(device, decoder, batch, features, scheduledSampling, random)
          : undefined;
      return await this.#descend(
        () => teacherForcingLoss(device, decoder, batch, features, schedule, inputs),
        rate,
      );
    } finally {
      opened.close();
    }
  }

  /** A step up the expected reward of the sentences that the decoder draws; resolves to their mean reward. */
  async #criticise(
    { selfCritical, crossEntropy }: Criticism,
    images: readonly TrainingImage[],
    features: FeatureTable,
    rate: number,
  ): Promise<number> {
    const { device, decoder } = this.#options;
    const { batch, meanReward } = await selfCritical.sample(decoder, images, features);
    // The gradient is that of the decoder that drew the sentences, so its dropout rests here too.
    const policy = () => policyLoss(device, decoder, batch, features, selfCritical.forbidden);
    const own = layOut(images);
    const truth = () => teacherForcingLoss(device, decoder, own, features).scale(crossEntropy);
    await this.#descend(() => (crossEntropy === 0 ? policy() : policy().add(truth())), rate);
    return meanReward;
  }

  /** One step down a loss; resolves to its value. */
  async #descend(lossOf: () => Tensor, rate: number): Promise<number> {
    const { optimiser, schedule } = this.#options;
    const opened = openScope();
    try {
      const { value, gradients } = valueAndGradients(lossOf, optimiser.parameters);
      optimiser.step(clipByGlobalNorm(gradients, schedule.clipNorm).gradients, rate);
      const loss = await value.item();
      if (!Number.isFinite(loss)) {
        throw new EkphrasisError(
          `training: the loss became ${loss}; lower --learning-rate and resume from the checkpoint`,
        );
      }
      return loss;
    } finally {
      opened.close();
    }
  }
}

class Mean {
  #sum = 0;
  #weight = 0;

  add(value: number, weight: number): void {
    this.#sum += value * weight;
    this.#weight += weight;
  }

  get value(): number {
    return this.#sum / this.#weight;
  }
}
