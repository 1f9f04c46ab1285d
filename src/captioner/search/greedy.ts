import type { Device } from '../../kernels/device.ts';
import type { DeviceArray } from '../../kernels/op/spec.ts';
import type { LSTMState } from '../../nn/layers/lstm-sequence.ts';
import { argmax, concat, gather } from '../../tensor/functions.ts';
import { execute, type Tensor } from '../../tensor/tensor.ts';
import type { Decoder, Encoding } from '../decoder/decoder.ts';
import { constant, type Hypothesis, logProbabilities, penalties, type SearchOptions } from './hypothesis.ts';
import { type SearchMethod, SentenceSearch } from './sentence-search.ts';

/** Takes the likeliest word at every step, for the encoding of one image. See {@link GreedySearch} for more images. */
export async function greedySearch(
  device: Device,
  decoder: Decoder,
  encoding: Encoding,
  options: SearchOptions,
): Promise<Hypothesis> {
  const search = new SentenceSearch(device, new GreedySearch(device, decoder, options));
  try {
    return await search.find(encoding);
  } finally {
    search.dispose();
  }
}

/** The likeliest word at every step. */
export class GreedySearch implements SearchMethod {
  readonly maximumLength: number;
  readonly #decoder: Decoder;
  readonly #endId: number;
  readonly #penalty: Tensor;
  readonly #start: Tensor;

  constructor(device: Device, decoder: Decoder, { startId, endId, maximumLength, forbidden }: SearchOptions) {
    this.maximumLength = maximumLength;
    this.#decoder = decoder;
    this.#endId = endId;
    this.#penalty = penalties(device, decoder.config.decoder.vocabulary, forbidden);
    this.#start = constant(device, Int32Array.of(startId));
  }

  begin(encoding: Encoding): { encoding: Encoding; state: Tensor[] } {
    const { h, c } = this.#decoder.initialState(encoding);
    return { encoding, state: [h, c, this.#start] };
  }

  /** State: h, c and the last word's id. Reports the ids of the words and then their log probabilities. */
  advance(
    encoding: Encoding,
    [h, c, last]: readonly Tensor[],
    steps: number,
  ): { state: Tensor[]; report: Tensor } {
    const words: Tensor[] = [];
    const scores: Tensor[] = [];
    let state: LSTMState = { h, c };
    let ids = last;
    for (let step = 0; step < steps; step++) {
      const next = this.#decoder.advance(this.#decoder.projectWords(ids), encoding, state);
      const logs = logProbabilities(this.#decoder.logits(next.output), this.#penalty);
      state = next;
      ids = argmax(logs);
      words.push(ids);
      scores.push(gather(logs.reshape([-1]), ids));
    }
    const wordList = execute('cast', [concat(words, 0)], { dtype: 'float32' });
    return { state: [state.h, state.c, ids], report: concat([wordList, ...scores], 0) };
  }

  ended(report: DeviceArray, steps: number): boolean {
    return report.subarray(0, steps).includes(this.#endId);
  }

  hypotheses(reports: readonly { readonly report: DeviceArray; readonly steps: number }[]): Hypothesis[] {
    const words = reports.flatMap(({ report, steps }) => [...report.subarray(0, steps)]);
    const scores = reports.flatMap(({ report, steps }) => [...report.subarray(steps)]);
    const end = words.indexOf(this.#endId);
    const length = end < 0 ? words.length : end + 1;
    let logProbability = 0;
    for (let step = 0; step < length; step++) logProbability += scores[step];
    return [{ tokens: words.slice(0, length), logProbability }];
  }

  dispose(): void {
    this.#penalty.dispose();
    this.#start.dispose();
  }
}
