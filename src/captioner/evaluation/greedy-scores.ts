import type { Device } from '../../kernels/device.ts';
import { openScope } from '../../tensor/scope.ts';
import type { CaptionedImage } from '../data/captioned-image.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { type CaptionScores, evaluateCaptions } from '../metrics/evaluate-captions.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { sampleSentences } from '../training/sentence-sampling.ts';
import { type FeatureTable, featureRows } from '../training/teacher-forcing.ts';

/** Images that are captioned at once: enough rows to fill the tiles of a product. */
const imagesAtOnce = 64;

/**
 * Scores of the greedy captions of some images, many captioned at once: quick enough to follow a training with. `rows` are
 * the images' rows in the table. Leaves the decoder at rest (`train(false)`).
 */
export async function greedyScores(
  device: Device,
  decoder: Decoder,
  tokenizer: Tokenizer,
  images: readonly CaptionedImage[],
  rows: readonly number[],
  table: FeatureTable,
): Promise<CaptionScores> {
  const { startId, endId, unknownId } = tokenizer;
  const { maximumLength } = decoder.config.decoder;
  const options = { startId, endId, maximumLength, forbidden: [0, startId, unknownId] };
  decoder.train(false);
  const captions = new Map<string, string>();
  for (let first = 0; first < images.length; first += imagesAtOnce) {
    const part = images.slice(first, first + imagesAtOnce);
    const opened = openScope();
    try {
      const chosen = Int32Array.from(rows.slice(first, first + imagesAtOnce));
      const encoding = decoder.encode(featureRows(device, table, chosen));
      const each = Int32Array.from(part, (_, index) => index);
      const sentences = await sampleSentences(device, decoder, encoding, each, options);
      for (const [index, { image }] of part.entries())
        captions.set(image, tokenizer.decode(sentences[index]));
    } finally {
      opened.close();
    }
  }
  return evaluateCaptions(
    captions,
    new Map(images.map(({ image, captions: references }) => [image, references])),
  );
}
