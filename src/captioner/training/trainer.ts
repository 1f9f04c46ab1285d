import type { Device } from '../../kernels/device.ts';
import { EkphrasisError } from '../../kernels/errors.ts';
import { clipByGlobalNorm } from '../../nn/optimisers/clip.ts';
import type { Optimiser } from '../../nn/optimisers/optimiser.ts';
import type { Random } from '../../nn/random.ts';
import { type RateSchedule, rateFactor } from '../../nn/schedules.ts';
import { valueAndGradients } from '../../tensor/autograd.ts';
import { openScope } from '../../tensor/scope.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { type Batch, batches, type TrainingImage } from './batches.ts';
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
  readonly dev: readonly TrainingImage[];
  readonly features: FeatureTable;
}

export interface Progress {
  readonly batch: number;
  readonly batches: number;
  /** Mean loss per word so far in the epoch, in nats. */
  readonly loss: number;
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

  /**
   * One pass over the training images in a new order, the epoch of this number, counted from 1; resolves to the mean
   * loss. Throws when the loss diverges.
   */
  async trainEpoch(data: TrainingData, epoch: number, report: (progress: Progress) => void): Promise<number> {
    const { decoder, schedule, epochs, random } = this.#options;
    decoder.train();
    const stepsPerEpoch = Math.ceil(data.train.length / schedule.batchImages);
    const mean = new Mean();
    let number = 0;
    for (const batch of batches(data.train, schedule.batchImages, random)) {
      const step = (epoch - 1) * stepsPerEpoch + number;
      const learningRate = learningRateAt(schedule, step, { stepsPerEpoch, epochs });
      mean.add(await this.#trainBatch(batch, data.features, learningRate), batch.targets.length);
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
