import { scope } from '../../../tensor/scope.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Decoder } from '../../decoder/decoder.ts';
import { stageFeatures } from '../../encoder/stage-features.ts';
import { layOut } from '../batches.ts';
import { type Objective, teacherForcingLoss } from '../teacher-forcing.ts';
import { EncoderObjective, type StageOutputs } from './encoder-objective.ts';

/**
 * A decoder writes the images' captions under teacher forcing, and its cross-entropy trains the convolutions with it, as
 * Vinyals et al. (2015, arXiv 1411.4555) fine-tune theirs. All captions of an image share its encoding. The loss is a mean
 * per word, in nats; while training with what `criterion` adds, at rest the plain cross-entropy.
 */
export class CaptionsObjective extends EncoderObjective {
  readonly decoder: Decoder;
  readonly #captions: readonly (readonly (readonly number[])[])[];
  readonly #criterion: Objective;

  /** `captions` of each image, by its number: ids from the start to the end word, one caption or more. */
  constructor(
    decoder: Decoder,
    captions: readonly (readonly (readonly number[])[])[],
    criterion: Objective = {},
  ) {
    super();
    this.decoder = decoder;
    this.#captions = captions;
    this.#criterion = criterion;
  }

  /** What the decoder reads of the stages: [N, channels], or [N, places, channels] of a grid. */
  features(stages: StageOutputs): Tensor {
    return stageFeatures(stages, this.decoder.config.encoder);
  }

  override loss(stages: StageOutputs, images: readonly number[]): Tensor {
    return scope(() => {
      const features = this.features(stages);
      const batch = layOut(images.map((image, row) => ({ features: row, captions: this.#captions[image] })));
      const criterion = this.training ? this.#criterion : {};
      return teacherForcingLoss(features.device, this.decoder, batch, features, criterion);
    });
  }

  override terms(images: readonly number[]): number {
    return images.reduce(
      (sum, image) => sum + this.#captions[image].reduce((words, ids) => words + ids.length - 1, 0),
      0,
    );
  }
}
