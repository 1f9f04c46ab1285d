import type { Device } from '../../kernels/device.ts';
import { sparseCrossEntropy } from '../../tensor/functions.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { Decoder } from '../decoder/decoder.ts';
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
  const encoding = decoder.encode(rows(device, table, batch.images));
  const sentences = Tensor.from(device, batch.sentenceImage);
  const all = decoder.select(encoding, sentences);
  const words = decoder.projectWords(Tensor.from(device, batch.inputs));
  const hidden = decoder.hiddenStates(words, all, batch.active);
  return sparseCrossEntropy(decoder.logits(hidden), Tensor.from(device, batch.targets)).mean();
}

function rows(device: Device, { rowShape, data }: FeatureTable, images: Int32Array): Tensor {
  const width = rowShape.reduce((product, dimension) => product * dimension, 1);
  const chosen = new Float32Array(images.length * width);
  for (const [row, image] of images.entries()) {
    chosen.set(data.subarray(image * width, (image + 1) * width), row * width);
  }
  return Tensor.from(device, chosen, [images.length, ...rowShape]);
}
