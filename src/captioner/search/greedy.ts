import type { Device } from '../../kernels/device.ts';
import { argmax, concat, gather } from '../../tensor/functions.ts';
import { scope } from '../../tensor/scope.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { Decoder, Encoding } from '../decoder/decoder.ts';
import { type Hypothesis, logProbabilities, penalties, type SearchOptions } from './hypothesis.ts';

/**
 * Takes the likeliest word at every step, for the encoding of one image. The words stay on the device until the whole
 * sentence is there: one read-back a sentence, at the price of the steps after its end.
 */
export async function greedySearch(
  device: Device,
  decoder: Decoder,
  encoding: Encoding,
  options: SearchOptions,
): Promise<Hypothesis> {
  // The scope closes before the first await, so that searches may run side by side.
  const found = scope(() => sentence(device, decoder, encoding, options));
  try {
    const [tokens, logs] = await Promise.all([found.words.data(), found.scores.data()]);
    const end = tokens.indexOf(options.endId);
    const length = end < 0 ? tokens.length : end + 1;
    let logProbability = 0;
    for (let step = 0; step < length; step++) logProbability += logs[step];
    return { tokens: [...tokens.subarray(0, length)], logProbability };
  } finally {
    found.words.dispose();
    found.scores.dispose();
  }
}

/** The likeliest word and its log probability at every step: [maximumLength] each. */
function sentence(
  device: Device,
  decoder: Decoder,
  encoding: Encoding,
  options: SearchOptions,
): { words: Tensor; scores: Tensor } {
  const { vocabulary } = decoder.config.decoder;
  const penalty = penalties(device, vocabulary, options.forbidden);
  const words: Tensor[] = [];
  const scores: Tensor[] = [];
  let ids = Tensor.from(device, Int32Array.of(options.startId));
  let state = decoder.initialState(encoding);
  for (let step = 0; step < options.maximumLength; step++) {
    state = decoder.advance(decoder.projectWords(ids), encoding, state);
    const logs = logProbabilities(decoder.logits(state.h), penalty);
    ids = argmax(logs);
    words.push(ids);
    scores.push(gather(logs.reshape([vocabulary]), ids));
  }
  return { words: concat(words, 0), scores: concat(scores, 0) };
}
