import type { Device } from '../../../kernels/device.ts';
import { Dense } from '../../../nn/layers/dense.ts';
import { binaryCrossEntropy } from '../../../nn/losses.ts';
import type { Random } from '../../../nn/random.ts';
import { concat } from '../../../tensor/functions.ts';
import { scope } from '../../../tensor/scope.ts';
import { Tensor } from '../../../tensor/tensor.ts';
import { EncoderObjective, type StageOutputs } from './encoder-objective.ts';

/**
 * Predicts which words an image's captions have, from its stages averaged over their places: binary cross-entropy of a
 * dense layer against the words' shares. Its loss is a mean per image and word, in nats.
 */
export class WordsObjective extends EncoderObjective {
  readonly head: Dense;
  readonly #targets: Float32Array;

  /** `targets` [images, words]. */
  constructor(
    device: Device,
    random: Random | null,
    { channels, words, targets }: { channels: number; words: number; targets: Float32Array },
  ) {
    super();
    this.head = new Dense(device, random, { inputs: channels, units: words });
    this.head.bias.load(logOdds(targets, words));
    this.#targets = targets;
  }

  /** Logits [N, words]. */
  logits(stages: StageOutputs): Tensor {
    return scope(() => this.head.forward(concat([...stages.values()].map((stage) => stage.mean([1, 2])))));
  }

  override loss(stages: StageOutputs, images: readonly number[]): Tensor {
    return scope(() => {
      const logits = this.logits(stages);
      const [rows, words] = logits.shape;
      const targets = new Float32Array(rows * words);
      for (const [row, image] of images.entries()) {
        targets.set(this.#targets.subarray(image * words, (image + 1) * words), row * words);
      }
      return binaryCrossEntropy(logits, Tensor.from(logits.device, targets, [rows, words]));
    });
  }
}

/** The logit of each word's mean share, with which the layer begins: a guess before it has seen anything. */
function logOdds(targets: Float32Array, words: number): Float32Array {
  const images = targets.length / words;
  const sums = new Float64Array(words);
  for (let index = 0; index < targets.length; index++) sums[index % words] += targets[index];
  // One image more, half of it with the word, keeps a word that all or none have finite.
  return Float32Array.from(sums, (sum) => Math.log((sum + 0.5) / (images - sum + 0.5)));
}
