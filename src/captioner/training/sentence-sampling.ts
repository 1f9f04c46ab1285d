import type { Device } from '../../kernels/device.ts';
import type { DeviceArray } from '../../kernels/op/spec.ts';
import type { Random } from '../../nn/random.ts';
import { argmax, categorical, concat } from '../../tensor/functions.ts';
import { openScope } from '../../tensor/scope.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { Decoder, Encoding } from '../decoder/decoder.ts';
import { penalties, type SearchOptions } from '../search/hypothesis.ts';

/** Words that are found before it is looked whether all sentences have ended: looking makes a GPU wait. */
const stepsBetweenLooks = 4;

export interface SamplingOptions extends Omit<SearchOptions, 'lengthExponent'> {
  /** Draws every word from its distribution; without it the likeliest word is taken. */
  readonly random?: Random;
}

/**
 * Sentences for many images at once, drawn word by word from the decoder or taken greedily: for each row of `images`, which
 * are numbers of the encoding's images, the ids of its words, the end word's included where the sentence ended. Call it with
 * the decoder at rest (`train(false)`), or its dropout takes part.
 */
export async function sampleSentences(
  device: Device,
  decoder: Decoder,
  encoding: Encoding,
  images: Int32Array<ArrayBuffer>,
  options: SamplingOptions,
): Promise<number[][]> {
  const { startId, endId, maximumLength, forbidden, random } = options;
  const rows = images.length;
  const penalty = penalties(device, decoder.config.decoder.vocabulary, forbidden);
  const outer = openScope();
  try {
    const selected = decoder.select(encoding, Tensor.from(device, images));
    let state = decoder.initialState(selected);
    let ids = Tensor.from(device, new Int32Array(rows).fill(startId));
    const sentences: number[][] = Array.from({ length: rows }, () => []);
    const ended = new Uint8Array(rows);
    for (let done = 0; done < maximumLength && ended.includes(0); done += stepsBetweenLooks) {
      const steps = Math.min(stepsBetweenLooks, maximumLength - done);
      const inner = openScope();
      let found: DeviceArray;
      try {
        const words: Tensor[] = [];
        for (let step = 0; step < steps; step++) {
          const next = decoder.advance(decoder.projectWords(ids), selected, state);
          const scores = decoder.logits(next.output).add(penalty);
          state = { h: next.h, c: next.c };
          ids = random ? categorical(scores.softmax(), uniforms(device, rows, random)) : argmax(scores);
          words.push(ids);
        }
        found = await concat(words, 0).data();
      } finally {
        inner.close([state.h, state.c, ids]);
      }
      for (const [row, sentence] of sentences.entries()) {
        for (let step = 0; step < steps && ended[row] === 0; step++) {
          const id = found[step * rows + row];
          sentence.push(id);
          if (id === endId) ended[row] = 1;
        }
      }
    }
    return sentences;
  } finally {
    outer.close();
    penalty.dispose();
  }
}

function uniforms(device: Device, count: number, random: Random): Tensor {
  return Tensor.from(
    device,
    Float32Array.from({ length: count }, () => random.uniform()),
  );
}
