import type { Device } from '../../kernels/device.ts';
import { UnsupportedError } from '../../kernels/errors.ts';
import { broadcastTo, concat, gather, topK } from '../../tensor/functions.ts';
import { scope } from '../../tensor/scope.ts';
import { execute, scalar, Tensor } from '../../tensor/tensor.ts';
import type { Decoder, Encoding } from '../decoder/decoder.ts';
import {
  type Hypothesis,
  impossible,
  logProbabilities,
  penalties,
  type SearchOptions,
} from './hypothesis.ts';

/** What is known of the W sentences of the beam; each tensor is [W, 1] float32. */
interface Beam {
  /** Sum of the words' log probabilities. */
  readonly score: Tensor;
  /** Words so far, the end word's included. */
  readonly length: Tensor;
  /** 1 where the sentence has ended. */
  readonly finished: Tensor;
}

/**
 * Beam search of `width` sentences for the encoding of one image, ranked by log probability over a power of the length:
 * without that division short sentences win (Wu et al. 2016, section 7). A finished sentence stays in the beam, at no cost, as long
 * as its rank holds. All choices are made on the device; words and back pointers are read once at the end. Throws
 * UnsupportedError for a width that is no whole number from 1.
 */
export async function beamSearch(
  device: Device,
  decoder: Decoder,
  encoding: Encoding,
  width: number,
  options: SearchOptions,
): Promise<Hypothesis> {
  if (!Number.isInteger(width) || width < 1) {
    throw new UnsupportedError(
      `beamSearch: a beam of width ${width} was asked for; give a whole number from 1`,
    );
  }
  // The scope closes before the first await, so that searches may run side by side.
  const found = scope(() => grow(device, decoder, encoding, width, options));
  try {
    const [tokens, links, scores, lengths] = await Promise.all([
      found.words.data(),
      found.parents.data(),
      found.score.data(),
      found.length.data(),
    ]);
    const { lengthExponent = 1 } = options;
    const ranks = Array.from(scores, (score, index) => score / lengths[index] ** lengthExponent);
    const winner = ranks.indexOf(Math.max(...ranks));
    const path = followBack(tokens, links, width, winner);
    return { tokens: path.slice(0, lengths[winner]), logProbability: scores[winner] };
  } finally {
    for (const tensor of Object.values(found)) tensor.dispose();
  }
}

/** Grows all sentences to their full length: words and back pointers [steps · W], what the beam knows at the end. */
function grow(
  device: Device,
  decoder: Decoder,
  encoding: Encoding,
  width: number,
  options: SearchOptions,
): { words: Tensor; parents: Tensor; score: Tensor; length: Tensor } {
  const { vocabulary } = decoder.config.decoder;
  const { lengthExponent = 1 } = options;
  const penalty = penalties(device, vocabulary, options.forbidden);
  const others = Array.from({ length: vocabulary }, (_, id) => id).filter((id) => id !== options.endId);
  const onlyEnd = penalties(device, vocabulary, others);
  const one = scalar(device, 1);
  const endId = scalar(device, options.endId, 'int32');
  const count = scalar(device, vocabulary, 'int32');

  const copies = Tensor.from(device, new Int32Array(width));
  const spread = decoder.select(encoding, copies);
  let state = decoder.initialState(spread);
  let ids = Tensor.from(device, new Int32Array(width).fill(options.startId));
  let beam = firstBeam(device, width);
  const words: Tensor[] = [];
  const parents: Tensor[] = [];
  for (let step = 0; step < options.maximumLength; step++) {
    state = decoder.advance(decoder.projectWords(ids), spread, state);
    const running = one.subtract(beam.finished);
    const logs = logProbabilities(decoder.logits(state.h), penalty).multiply(running);
    const score = beam.score.add(logs.add(onlyEnd.multiply(beam.finished)));
    const length = beam.length.add(running);
    const rank = score.divide(power(length, lengthExponent)).reshape([1, width * vocabulary]);
    const best = topK(rank, width).indices.reshape([width]);
    const parent = execute('floorDivide', [best, count], {});
    ids = execute('modulo', [best, count], {});
    const ended = execute('cast', [execute('equal', [ids, endId], {})], { dtype: 'float32' });
    beam = {
      score: gather(score.reshape([width * vocabulary, 1]), best),
      length: gather(length, parent),
      finished: execute('maximum', [gather(beam.finished, parent), ended.reshape([width, 1])], {}),
    };
    state = { h: gather(state.h, parent), c: gather(state.c, parent) };
    words.push(ids);
    parents.push(parent);
  }
  return { words: concat(words, 0), parents: concat(parents, 0), score: beam.score, length: beam.length };
}

/** Of numbers above 0. */
function power(x: Tensor, exponent: number): Tensor {
  return exponent === 1 ? x : execute('exp', [execute('log', [x], {}).scale(exponent)], {});
}

/** All sentences are the same before the first word, so only the first may grow. */
function firstBeam(device: Device, width: number): Beam {
  const score = new Float32Array(width).fill(impossible);
  score[0] = 0;
  const zeros = broadcastTo(scalar(device, 0), [width, 1]);
  return { score: Tensor.from(device, score, [width, 1]), length: zeros, finished: zeros };
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
