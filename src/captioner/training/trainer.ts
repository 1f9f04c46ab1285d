import type { Device } from '../../kernels/device.ts';
import { EkphrasisError } from '../../kernels/errors.ts';
import { clipByGlobalNorm } from '../../nn/optimisers/clip.ts';
import type { Optimiser } from '../../nn/optimisers/optimiser.ts';
import type { Random } from '../../nn/random.ts';
import { valueAndGradients } from '../../tensor/autograd.ts';
import { openScope } from '../../tensor/scope.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { type Batch, batches, type TrainingImage } from './batches.ts';
import { scheduledInputs } from './scheduled-sampling.ts';
import { type FeatureTable, type Objective, teacherForcingLoss } from './teacher-forcing.ts';

export interface Schedule extends Objective {
  readonly learningRate: number;
  /** The rate is multiplied by `decay` at every epoch after this many. */
  readonly decayAfter: number;
  readonly decay: number;
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
  /** Mean loss per word so far in the epoch, in nats. */
  readonly loss: number;
}

/** The rate of an epoch, counted from 1. */
export function learningRateOf(schedule: Schedule, epoch: number): number {
  return schedule.learningRate * schedule.decay ** Math.max(0, epoch - schedule.decayAfter);
}

/**
 * Trains a decoder by teacher forcing on features that were computed before. Losses are means per word, in nats; that of
 * training is what is minimised, that of evaluation the plain cross-entropy.
 */
export class Trainer {
  readonly #device: Device;
  readonly #decoder: Decoder;
  readonly #optimiser: Optimiser;
  readonly #schedule: Schedule;
  readonly #random: Random;

  /** `random` orders the batches and schedules the sampling; the decoder's dropouts have their own. */
  constructor(device: Device, decoder: Decoder, optimiser: Optimiser, schedule: Schedule, random: Random) {
    this.#device = device;
    this.#decoder = decoder;
    this.#optimiser = optimiser;
    this.#schedule = schedule;
    this.#random = random;
  }

  /** One pass over the training images in a new order; resolves to the mean loss. Throws when the loss diverges. */
  async trainEpoch(data: TrainingData, epoch: number, report: (progress: Progress) => void): Promise<number> {
    this.#decoder.train();
    const rate = learningRateOf(this.#schedule, epoch);
    const count = Math.ceil(data.train.length / this.#schedule.batchImages);
    const mean = new Mean();
    let number = 0;
    for (const batch of batches(data.train, this.#schedule.batchImages, this.#random)) {
      mean.add(await this.#trainBatch(batch, data.features, rate), batch.targets.length);
      report({ batch: ++number, batches: count, loss: mean.value });
    }
    return mean.value;
  }

  /** The mean loss over the images held out for choosing. */
  async evaluate(data: TrainingData): Promise<number> {
    this.#decoder.train(false);
    const mean = new Mean();
    for (const batch of batches(data.dev, this.#schedule.batchImages)) {
      const opened = openScope();
      try {
        const loss = teacherForcingLoss(this.#device, this.#decoder, batch, data.features);
        mean.add(await loss.item(), batch.targets.length);
      } finally {
        opened.close();
      }
    }
    return mean.value;
  }

  async #trainBatch(batch: Batch, features: FeatureTable, rate: number): Promise<number> {
    const opened = openScope();
    try {
      const [device, decoder] = [this.#device, this.#decoder];
      const { scheduledSampling = 0 } = this.#schedule;
      const inputs =
        scheduledSampling > 0
          ? scheduledInputs(device, decoder, batch, features, scheduledSampling, this.#random)
          : undefined;
      const { value, gradients } = valueAndGradients(
        () => teacherForcingLoss(device, decoder, batch, features, this.#schedule, inputs),
        this.#optimiser.parameters,
      );
      this.#optimiser.step(clipByGlobalNorm(gradients, this.#schedule.clipNorm).gradients, rate);
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
