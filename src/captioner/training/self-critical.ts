import type { Device } from '../../kernels/device.ts';
import type { Random } from '../../nn/random.ts';
import { openScope, scope } from '../../tensor/scope.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { CaptionedImage } from '../data/captioned-image.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { CiderScorer } from '../metrics/cider.ts';
import { tokenizeForScoring } from '../metrics/tokenize.ts';
import { impossible } from '../search/hypothesis.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type Batch, layOut, type TrainingImage } from './batches.ts';
import { sampleSentences } from './sentence-sampling.ts';
import { type FeatureTable, featureRows, wordLosses } from './teacher-forcing.ts';

/** What a sampled sentence's reward is compared with. */
export type Baseline = 'greedy' | 'mean';

export interface SelfCriticalOptions {
  /** Sentences that are drawn for each image. */
  readonly samples: number;
  /**
   * `greedy`: the reward of the sentence that the decoder would say (Rennie et al. 2017). `mean`: that of the image's other
   * samples (Luo 2020, arXiv 2003.09971), which costs no further sentence and varies less.
   */
  readonly baseline: Baseline;
  /** Most words of a sentence, the end word's included. */
  readonly maximumLength: number;
}

/** Sampled sentences laid out, each weighted by its advantage, and their mean reward. */
export interface SampledBatch {
  readonly batch: Batch;
  readonly meanReward: number;
}

/** An image's number in the scorer of its data set. */
interface ScoredImage {
  readonly scorer: CiderScorer;
  readonly number: number;
}

/**
 * Self-critical sequence training (Rennie et al. 2017, arXiv 1612.00563): the decoder draws sentences, and those that score
 * better in CIDEr-D than its baseline become likelier, the others less likely (REINFORCE, Williams 1992).
 *
 * The end word counts as a word of sentences and references alike, as in the published code. Without it, sentences that
 * break off in "with a" cost nothing, and models learn to write them.
 *
 * Every data set has a scorer of its own, as it has when its development images are scored: what one set says of every image
 * ("a dog is running") is worth little there, and would be worth much if the images of another set counted as well.
 */
export class SelfCritical {
  readonly #device: Device;
  readonly #tokenizer: Tokenizer;
  readonly #options: SelfCriticalOptions;
  /** By the image's row among the features. */
  readonly #scored: readonly ScoredImage[];
  readonly #random: Random;

  /**
   * `references`: for each training set its images with all of their captions; their rows among the features are in this
   * order, from 0. `random` draws the words.
   */
  constructor(
    device: Device,
    tokenizer: Tokenizer,
    references: readonly (readonly CaptionedImage[])[],
    random: Random,
    options: SelfCriticalOptions,
  ) {
    this.#device = device;
    this.#tokenizer = tokenizer;
    this.#options = options;
    this.#random = random;
    const end = tokenizer.word(tokenizer.endId);
    this.#scored = references.flatMap((set) => {
      const scorer = new CiderScorer(
        set.map(({ captions }) => captions.map((caption) => [...tokenizeForScoring(caption), end])),
      );
      return set.map((_, number) => ({ scorer, number }));
    });
  }

  /** Ids that are never drawn: padding, the start word, the unknown word. */
  get forbidden(): readonly number[] {
    return [0, this.#tokenizer.startId, this.#tokenizer.unknownId];
  }

  /** Draws sentences for some images and scores them. The decoder is at rest meanwhile: its dropout takes no part. */
  async sample(
    decoder: Decoder,
    images: readonly TrainingImage[],
    table: FeatureTable,
  ): Promise<SampledBatch> {
    const { samples, baseline, maximumLength } = this.#options;
    const { startId, endId } = this.#tokenizer;
    const options = { startId, endId, maximumLength, forbidden: this.forbidden };
    decoder.train(false);
    const opened = openScope();
    let drawn: number[][];
    let greedy: number[][];
    try {
      const rows = Int32Array.from(images, ({ features }) => features);
      const encoding = decoder.encode(featureRows(this.#device, table, rows));
      const repeated = Int32Array.from({ length: images.length * samples }, (_, index) =>
        Math.floor(index / samples),
      );
      drawn = await sampleSentences(this.#device, decoder, encoding, repeated, {
        ...options,
        random: this.#random,
      });
      const each = Int32Array.from(images, (_, index) => index);
      greedy =
        baseline === 'greedy' ? await sampleSentences(this.#device, decoder, encoding, each, options) : [];
    } finally {
      opened.close();
    }
    let total = 0;
    const weighted = images.map(({ features }, index): TrainingImage => {
      const sentences = drawn.slice(index * samples, (index + 1) * samples);
      const rewards = this.rewards(features, [...sentences, ...greedy.slice(index, index + 1)]);
      const own = rewards.slice(0, samples);
      const sum = own.reduce((all, reward) => all + reward, 0);
      total += sum;
      const others = (reward: number) => (samples === 1 ? 0 : (sum - reward) / (samples - 1));
      return {
        features,
        captions: sentences.map((ids) => [startId, ...ids]),
        weights: own.map((reward) => reward - (baseline === 'greedy' ? rewards[samples] : others(reward))),
      };
    });
    return { batch: layOut(weighted), meanReward: total / (images.length * samples) };
  }

  /** CIDEr-D of sentences of ids about the image of this row, the end word being one of their words. */
  rewards(row: number, sentences: readonly (readonly number[])[]): number[] {
    const { scorer, number } = this.#scored[row];
    return scorer.scores(
      number,
      sentences.map((ids) => ids.map((id) => this.#tokenizer.word(id))),
    );
  }
}

/**
 * The loss whose gradient is that of the expected reward, with its sign turned: the mean over words of −log p times the
 * advantage of the word's sentence. Its value says nothing; the reward does.
 *
 * p is the distribution that was drawn from, without the forbidden ids. Were they in it, every sentence that did badly would
 * make them likelier, and none would ever make them less so: on three images the mean reward rose from .5 to 3 and fell back
 * to .9.
 */
export function policyLoss(
  device: Device,
  decoder: Decoder,
  batch: Batch,
  table: FeatureTable,
  forbidden: readonly number[],
): Tensor {
  return scope(() => {
    const row = new Float32Array(decoder.config.decoder.vocabulary);
    for (const id of forbidden) row[id] = impossible;
    const penalty = Tensor.from(device, row, [1, row.length]);
    const losses = wordLosses(device, decoder, batch, table, penalty);
    return losses.multiply(Tensor.from(device, batch.weights)).mean();
  });
}
