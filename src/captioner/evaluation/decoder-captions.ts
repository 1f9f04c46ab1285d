import type { Device } from '../../kernels/device.ts';
import { disposeAll, openScope } from '../../tensor/scope.ts';
import { defaultLengthExponent } from '../captioner.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { BeamSearch } from '../search/beam.ts';
import { SentenceSearch } from '../search/sentence-search.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { sampleSentences } from '../training/sentence-sampling.ts';
import { type FeatureTable, featureRows } from '../training/teacher-forcing.ts';

/** Images that are captioned greedily at once: enough rows to fill the tiles of a product. */
const imagesAtOnce = 64;

export interface DecoderCaptionOptions {
  /** Width of the beam; 1 is greedy, many images at once: quick enough to follow a training with. */
  readonly beam: number;
  /** Awaited with the number of captions done. */
  readonly progress?: (done: number) => Promise<void> | void;
}

/**
 * Captions of some rows of a table of features, by a decoder that may be in the middle of its training: no encoder is
 * needed. Leaves the decoder at rest (`train(false)`).
 */
export async function decoderCaptions(
  device: Device,
  decoder: Decoder,
  tokenizer: Tokenizer,
  table: FeatureTable,
  rows: readonly number[],
  { beam, progress }: DecoderCaptionOptions,
): Promise<string[]> {
  const { startId, endId, unknownId } = tokenizer;
  const { maximumLength } = decoder.config.decoder;
  const options = { startId, endId, maximumLength, forbidden: [0, startId, unknownId] };
  decoder.train(false);
  const captions: string[] = [];
  if (beam === 1) {
    for (let first = 0; first < rows.length; first += imagesAtOnce) {
      const chosen = Int32Array.from(rows.slice(first, first + imagesAtOnce));
      const opened = openScope();
      try {
        const encoding = decoder.encode(featureRows(device, table, chosen));
        const each = Int32Array.from(chosen, (_, index) => index);
        for (const tokens of await sampleSentences(device, decoder, encoding, each, options))
          captions.push(tokenizer.decode(tokens));
      } finally {
        opened.close();
      }
      await progress?.(captions.length);
    }
    return captions;
  }
  const ranked = { ...options, lengthExponent: defaultLengthExponent };
  const search = new SentenceSearch(device, new BeamSearch(device, decoder, beam, ranked));
  try {
    for (const row of rows) {
      const features = featureRows(device, table, Int32Array.of(row));
      const encoding = decoder.encode(features);
      try {
        captions.push(tokenizer.decode((await search.find(encoding)).tokens));
      } finally {
        disposeAll([features, encoding]);
      }
      await progress?.(captions.length);
    }
  } finally {
    search.dispose();
  }
  return captions;
}
