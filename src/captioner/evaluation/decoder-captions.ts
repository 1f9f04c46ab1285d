import type { Device } from '../../kernels/device.ts';
import { elementCount } from '../../kernels/spec.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { BeamSearch } from '../search/beam.ts';
import { GreedySearch } from '../search/greedy.ts';
import { SentenceSearch } from '../search/sentence-search.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { FeatureTable } from '../training/teacher-forcing.ts';

/** As `Captioner` has it, so that scores while training are those of the model that comes out. */
const lengthExponent = 0.7;

export interface DecoderCaptionOptions {
  /** Width of the beam; 1 is greedy. */
  readonly beam: number;
  /** Awaited after every caption with the number done. */
  readonly progress?: (done: number) => Promise<void> | void;
}

/**
 * Captions of some rows of a table of features, by a decoder that may be in the middle of its training: no encoder is
 * needed. Leaves the decoder's dropouts off.
 */
export async function decoderCaptions(
  device: Device,
  decoder: Decoder,
  tokenizer: Tokenizer,
  { rowShape, data }: FeatureTable,
  rows: readonly number[],
  { beam, progress }: DecoderCaptionOptions,
): Promise<string[]> {
  const { startId, endId, unknownId } = tokenizer;
  const { maximumLength } = decoder.config.decoder;
  const options = { startId, endId, maximumLength, forbidden: [0, startId, unknownId], lengthExponent };
  decoder.train(false);
  const method =
    beam === 1 ? new GreedySearch(device, decoder, options) : new BeamSearch(device, decoder, beam, options);
  const search = new SentenceSearch(device, decoder, method);
  const width = elementCount(rowShape);
  const captions: string[] = [];
  try {
    for (const row of rows) {
      const features = Tensor.from(device, data.slice(row * width, (row + 1) * width), [1, ...rowShape]);
      const encoding = decoder.encode(features);
      try {
        captions.push(tokenizer.decode((await search.find(encoding)).tokens));
      } finally {
        for (const tensor of [features, ...decoder.listOf(encoding)]) tensor.dispose();
      }
      await progress?.(captions.length);
    }
  } finally {
    search.dispose();
  }
  return captions;
}
