import { Module } from '../../../nn/module.ts';
import type { Tensor } from '../../../tensor/tensor.ts';

/** The outputs of the encoder's stages [N, H, W, C], by name, in the order in which they are read. */
export type StageOutputs = ReadonlyMap<string, Tensor>;

/** What an encoder is trained for; its parameters are trained along. */
export abstract class EncoderObjective extends Module {
  /** The mean loss of some images, by their numbers: shape []. */
  abstract loss(stages: StageOutputs, images: readonly number[]): Tensor;

  /** How many terms that is the mean of, for the mean over several batches. */
  terms(images: readonly number[]): number {
    return images.length;
  }
}
