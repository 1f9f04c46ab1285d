import type { Device } from '../../kernels/device.ts';
import { EkphrasisError } from '../../kernels/op/errors.ts';
import { clipByGlobalNorm } from '../../nn/optimisers/clip.ts';
import type { Optimiser } from '../../nn/optimisers/optimiser.ts';
import type { Random } from '../../nn/random.ts';
import { type RateSchedule, rateFactor } from '../../nn/schedules.ts';
import { valueAndGradients } from '../../tensor/autograd.ts';
import { openScope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { type Batch, batches, layOut, type TrainingImage } from './batches.ts';
import { type Draw, drawEpoch, drawnImages } from './epoch-order.ts';
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
  /** How often an epoch has each of them. Default: all once. */
  readonly draws?: readonly Draw[];
  readonly features: FeatureTable;
}

/** How far an epoch has come. */
export interface EpochPosition {
  /** Counted from 1. */
  readonly epoch: number;
  /** Batches done. */
  readonly batches: number;
  /** Sum of the losses of all words so far, in nats; of a self-critical epoch, of the rewards of all images. */
  readonly sum: number;
  /** The number of these words, or of these images. */
  readonly count: number;
  /** State of `random` here. Default: as it is once the epoch's order is made. */
  readonly random?: readonly number[];
}

export interface Progress extends EpochPosition {
  /** Batches of the whole epoch. */
  readonly total: number;
  /** Of the last step. */
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

  /** The rate of a batch, both counted from 1. */
  learningRateAt(data: TrainingData, epoch: number, batch: number): number {
    const { schedule, epochs } = this.#options;
    const stepsPerEpoch = this.stepsPerEpoch(data);
    return learningRateAt(schedule, (epoch - 1) * stepsPerEpoch + batch - 1, { stepsPerEpoch, epochs });
  }

  /** Steps of an epoch. */
  stepsPerEpoch({ train, draws }: TrainingData): number {
    const images = draws ? drawnImages(draws) : train.length;
    return Math.ceil(images / this.#options.schedule.batchImages);
  }

  /**
   * The rest of an epoch over the training images in a new order, a batch with every value that is taken. To go on in
   * the middle as if nothing had happened, restore `random` to its state at the epoch's beginning: the order is made
   * again. Throws EkphrasisError when the loss diverges.
   */
  async *epoch(data: TrainingData, from: EpochPosition): AsyncGenerator<Progress> {
    const { decoder, schedule, random, criticism } = this.#options;
    const { train, draws = [{ images: train.length, weight: 1 }], features } = data;
    const { epoch } = from;
    const stepsPerEpoch = this.stepsPerEpoch(data);
    const order = drawEpoch(train, draws, random);
    if (from.random) random.restore(from.random);
    let { sum, count } = from;
    for (let number = from.batches; number < stepsPerEpoch; number++) {
      decoder.train();
      const learningRate = this.learningRateAt(data, epoch, number + 1);
      const first = number * schedule.batchImages;
      const images = order.slice(first, first + schedule.batchImages);
      if (criticism) {
        sum += (await this.#criticise(criticism, images, features, learningRate)) * images.length;
        count += images.length;
      } else {
        const batch = layOut(images);
        sum += (await this.#force(batch, features, learningRate)) * batch.targets.length;
        count += batch.targets.length;
      }
      const position = { epoch, batches: number + 1, sum, count, random: random.save() };
      yield { ...position, total: stepsPerEpoch, learningRate };
    }
  }

  /** A whole epoch at once; resolves to its mean loss, or the mean reward of a self-critical one. */
  async trainEpoch(
    data: TrainingData,
    epoch: number,
    report: (progress: Progress) => void = () => undefined,
  ): Promise<number> {
    let mean = Number.NaN;
    for await (const progress of this.epoch(data, { epoch, batches: 0, sum: 0, count: 0 })) {
      mean = progress.sum / progress.count;
      report(progress);
    }
    return mean;
  }

  /**
   * The mean loss over images that are held out for choosing.
   * @param between awaited after every batch
   */
  async evaluate(
    images: readonly TrainingImage[],
    features: FeatureTable,
    between: () => Promise<void> = async () => undefined,
  ): Promise<number> {
    const { device, decoder, schedule } = this.#options;
    decoder.train(false);
    let lossSum = 0;
    let words = 0;
    for (const batch of batches(images, schedule.batchImages)) {
      const opened = openScope();
      try {
        const loss = teacherForcingLoss(device, decoder, batch, features);
        lossSum += (await loss.item()) * batch.targets.length;
        words += batch.targets.length;
      } finally {
        opened.close();
      }
      await between();
    }
    return lossSum / words;
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
