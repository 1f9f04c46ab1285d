import type { Device } from '../../kernels/device.ts';
import { UnsupportedError } from '../../kernels/op/errors.ts';
import type { DeviceArray } from '../../kernels/op/spec.ts';
import { concat, gather, topK } from '../../tensor/functions.ts';
import { execute, type Tensor } from '../../tensor/tensor.ts';
import type { Decoder, Encoding } from '../decoder/decoder.ts';
import {
  constant,
  type Hypothesis,
  impossible,
  logProbabilities,
  penalties,
  type SearchOptions,
} from './hypothesis.ts';
import { type SearchMethod, SentenceSearch } from './sentence-search.ts';

/**
 * Beam search of `width` sentences for the encoding of one image; see {@link BeamSearch}. Throws UnsupportedError for a
 * width that is no whole number from 1.
 */
export async function beamSearch(
  device: Device,
  decoder: Decoder,
  encoding: Encoding,
  width: number,
  options: SearchOptions,
): Promise<Hypothesis> {
  const search = new SentenceSearch(device, new BeamSearch(device, decoder, width, options));
  try {
    return await search.find(encoding);
  } finally {
    search.dispose();
  }
}

/**
 * Sentences ranked by log probability over a power of the length: without that division short sentences win (Wu et al.
 * 2016, section 7). A finished sentence stays in the beam, at no cost, as long as its rank holds.
 */
export class BeamSearch implements SearchMethod {
  readonly maximumLength: number;
  readonly #decoder: Decoder;
  readonly #width: number;
  readonly #lengthExponent: number;
  readonly #constants: ReturnType<typeof constantsOf>;

  /** Throws UnsupportedError for a width that is no whole number from 1. */
  constructor(device: Device, decoder: Decoder, width: number, options: SearchOptions) {
    if (!Number.isInteger(width) || width < 1) {
      throw new UnsupportedError(
        `beamSearch: a beam of width ${width} was asked for; give a whole number from 1`,
      );
    }
    this.maximumLength = options.maximumLength;
    this.#decoder = decoder;
    this.#width = width;
    this.#lengthExponent = options.lengthExponent ?? 1;
    this.#constants = constantsOf(device, decoder.config.decoder.vocabulary, width, options);
  }

  begin(encoding: Encoding): { encoding: Encoding; state: Tensor[] } {
    const { firstImage, start, firstScore, zeros } = this.#constants;
    const spread = this.#decoder.select(encoding, firstImage);
    const { h, c } = this.#decoder.initialState(spread);
    return { encoding: spread, state: [h, c, start, firstScore, zeros, zeros] };
  }

  /**
   * State: h, c and the last word's id of every sentence; [W, 1] each: its log probability, its length, and whether it
   * has ended. Reports words and back pointers [steps · W] each, then log probabilities, lengths, ranks and whether it has
   * ended. The ranks are there to be checked: on WebGPU the others look well where all scores were NaN.
   */
  advance(encoding: Encoding, before: readonly Tensor[], steps: number): { state: Tensor[]; report: Tensor } {
    const width = this.#width;
    const { vocabulary } = this.#decoder.config.decoder;
    const { one, endId, count, penalty, onlyEnd } = this.#constants;
    let [h, c, ids, score, length, finished] = before;
    let ranks = score;
    const words: Tensor[] = [];
    const parents: Tensor[] = [];
    for (let step = 0; step < steps; step++) {
      const state = this.#decoder.advance(this.#decoder.projectWords(ids), encoding, { h, c });
      const running = one.subtract(finished);
      const logs = logProbabilities(this.#decoder.logits(state.output), penalty).multiply(running);
      const scores = score.add(logs.add(onlyEnd.multiply(finished)));
      const lengths = length.add(running);
      const rank = scores.divide(this.#power(lengths)).reshape([1, width * vocabulary]);
      const top = topK(rank, width);
      ranks = top.values;
      const best = top.indices.reshape([width]);
      const parent = execute('floorDivide', [best, count], {});
      ids = execute('modulo', [best, count], {});
      const ended = execute('cast', [execute('equal', [ids, endId], {})], { dtype: 'float32' });
      score = gather(scores.reshape([width * vocabulary, 1]), best);
      length = gather(lengths, parent);
      finished = execute('maximum', [gather(finished, parent), ended.reshape([width, 1])], {});
      [h, c] = [gather(state.h, parent), gather(state.c, parent)];
      words.push(ids);
      parents.push(parent);
    }
    const choices = execute('cast', [concat([...words, ...parents], 0)], { dtype: 'float32' });
    const ends = [score, length, ranks, finished].map((tensor) => tensor.reshape([width]));
    return { state: [h, c, ids, score, length, finished], report: concat([choices, ...ends], 0) };
  }

  ended(report: DeviceArray): boolean {
    return report.subarray(-this.#width).every((finished) => finished === 1);
  }

  /** The beam's sentences, the best ranked first; fewer than its width where there are not so many. */
  hypotheses(reports: readonly { readonly report: DeviceArray; readonly steps: number }[]): Hypothesis[] {
    const width = this.#width;
    const words = reports.flatMap(({ report, steps }) => [...report.subarray(0, steps * width)]);
    const parents = reports.flatMap(({ report, steps }) => [
      ...report.subarray(steps * width, 2 * steps * width),
    ]);
    const { report, steps } = reports[reports.length - 1];
    const scores = report.subarray(2 * steps * width, (2 * steps + 1) * width);
    const lengths = report.subarray((2 * steps + 1) * width, (2 * steps + 2) * width);
    const ranked = Array.from(scores, (score, place) => ({
      place,
      rank: score / lengths[place] ** this.#lengthExponent,
    })).sort((a, b) => b.rank - a.rank);
    return (
      ranked
        // A beam wider than the sentences there are fills up with impossible ones.
        .filter(({ place }, index) => index === 0 || scores[place] > impossible / 2)
        .map(({ place }) => ({
          tokens: followBack(words, parents, width, place).slice(0, lengths[place]),
          logProbability: scores[place],
        }))
    );
  }

  dispose(): void {
    for (const tensor of Object.values(this.#constants)) tensor.dispose();
  }

  /** The power of the lengths, numbers above 0, by which sentences are ranked. */
  #power(lengths: Tensor): Tensor {
    if (this.#lengthExponent === 1) return lengths;
    const logarithm = execute('log', [lengths], {});
    return execute('exp', [logarithm.multiply(this.#constants.exponent)], {});
  }
}

function constantsOf(
  device: Device,
  vocabulary: number,
  width: number,
  { startId, endId, forbidden, lengthExponent = 1 }: SearchOptions,
) {
  const others = Array.from({ length: vocabulary }, (_, id) => id).filter((id) => id !== endId);
  // All sentences are the same before the first word, so only the first may grow.
  const firstScore = new Float32Array(width).fill(impossible);
  firstScore[0] = 0;
  return {
    penalty: penalties(device, vocabulary, forbidden),
    onlyEnd: penalties(device, vocabulary, others),
    one: constant(device, Float32Array.of(1), []),
    exponent: constant(device, Float32Array.of(lengthExponent), []),
    endId: constant(device, Int32Array.of(endId), []),
    count: constant(device, Int32Array.of(vocabulary), []),
    firstImage: constant(device, new Int32Array(width)),
    start: constant(device, new Int32Array(width).fill(startId)),
    firstScore: constant(device, firstScore, [width, 1]),
    zeros: constant(device, new Float32Array(width), [width, 1]),
  };
}

/** The words of the sentence that ends in `winner`, in order. */
function followBack(
  tokens: ArrayLike<number>,
  parents: ArrayLike<number>,
  width: number,
  winner: number,
): number[] {
  const path: number[] = [];
  let place = winner;
  for (let step = tokens.length / width - 1; step >= 0; step--) {
    path.push(tokens[step * width + place]);
    place = parents[step * width + place];
  }
  return path.reverse();
}
