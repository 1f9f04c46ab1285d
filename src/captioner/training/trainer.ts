import type { Device } from '../../kernels/device.ts';
import { EkphrasisError } from '../../kernels/errors.ts';
import { clipByGlobalNorm } from '../../nn/optimisers/clip.ts';
import type { Optimiser } from '../../nn/optimisers/optimiser.ts';
import type { Random } from '../../nn/random.ts';
import { type RateSchedule, rateFactor } from '../../nn/schedules.ts';
import { valueAndGradients } from '../../tensor/autograd.ts';
import { openScope } from '../../tensor/scope.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { type Batch, batches, layOut, type TrainingImage } from './batches.ts';
import { type Draw, drawEpoch, drawnImages } from './epoch-order.ts';
import { type FeatureTable, teacherForcingLoss } from './teacher-forcing.ts';

export interface Schedule {
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
  /** Sum of the losses of all words so far, in nats, and the number of these words. */
  readonly lossSum: number;
  readonly words: number;
}

export interface Progress extends EpochPosition {
  /** Batches of the whole epoch. */
  readonly total: number;
  /** Of the last step. */
  readonly learningRate: number;
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
  /** Orders the batches; the decoder's dropouts have their own. */
  readonly random: Random;
}

/** Trains a decoder by teacher forcing on features that were computed before. Losses are means per word, in nats. */
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
    const { decoder, schedule, random } = this.#options;
    const { train, draws = [{ images: train.length, weight: 1 }], features } = data;
    const { epoch } = from;
    const stepsPerEpoch = this.stepsPerEpoch(data);
    const order = drawEpoch(train, draws, random);
    let { lossSum, words } = from;
    for (let number = from.batches; number < stepsPerEpoch; number++) {
      decoder.train();
      const learningRate = this.learningRateAt(data, epoch, number + 1);
      const first = number * schedule.batchImages;
      const batch = layOut(order.slice(first, first + schedule.batchImages));
      const loss = await this.#trainBatch(batch, features, learningRate);
      lossSum += loss * batch.targets.length;
      words += batch.targets.length;
      yield { epoch, batches: number + 1, lossSum, words, total: stepsPerEpoch, learningRate };
    }
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

  async #trainBatch(batch: Batch, features: FeatureTable, rate: number): Promise<number> {
    const { device, decoder, optimiser, schedule } = this.#options;
    const opened = openScope();
    try {
      const { value, gradients } = valueAndGradients(
        () => teacherForcingLoss(device, decoder, batch, features),
        optimiser.parameters,
      );
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
