import type { Device } from '../../kernels/device.ts';
import { elementCount } from '../../kernels/spec.ts';
import { sparseCrossEntropy } from '../../tensor/functions.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { Decoder, Encoding } from '../decoder/decoder.ts';
import type { Batch } from './batches.ts';

/** Elements of an image's features: its rows' shape is [channels], or [places, channels] of a grid. */
export interface FeatureTable {
  readonly rowShape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Mean cross-entropy per word, in nats, of a batch under teacher forcing (Williams and Zipser 1989): at every step the
 * true previous word enters, whatever the model would have said. One tensor of shape [].
 */
export function teacherForcingLoss(
  device: Device,
  decoder: Decoder,
  batch: Batch,
  table: FeatureTable,
): Tensor {
  return wordLosses(device, decoder, batch, decoder.encode(featureRows(device, table, batch.images))).mean();
}

/**
 * The cross-entropies of a batch's words [words], in its own order, under teacher forcing; `encoding` is of its images. A
 * `penalty` [1, V] is added to the logits.
 */
export function wordLosses(
  device: Device,
  decoder: Decoder,
  batch: Batch,
  encoding: Encoding,
  penalty: Tensor | null = null,
): Tensor {
  const all = decoder.select(encoding, Tensor.from(device, batch.sentenceImage));
  const words = decoder.projectWords(Tensor.from(device, batch.inputs));
  const hidden = decoder.hiddenStates(words, all, batch.active);
  const logits = decoder.logits(hidden);
  const targets = Tensor.from(device, batch.targets);
  return sparseCrossEntropy(penalty ? logits.add(penalty) : logits, targets);
}

/** The features of some images, by their rows in the table, on the device. */
export function featureRows(device: Device, { rowShape, data }: FeatureTable, images: Int32Array): Tensor {
  const width = elementCount(rowShape);
  const chosen = new Float32Array(images.length * width);
  for (const [row, image] of images.entries()) {
    chosen.set(data.subarray(image * width, (image + 1) * width), row * width);
  }
  return Tensor.from(device, chosen, [images.length, ...rowShape]);
}
