import type { Device } from '../../kernels/device.ts';
import { UnsupportedError } from '../../kernels/op/errors.ts';
import { elementCount } from '../../kernels/op/spec.ts';
import { sparseCrossEntropy } from '../../tensor/functions.ts';
import { execute, scalar, Tensor } from '../../tensor/tensor.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { type Batch, sentenceOfRows } from './batches.ts';

/** Elements of an image's features: its rows' shape is [channels], or [places, channels] of a grid. */
export interface FeatureTable {
  readonly rowShape: readonly number[];
  readonly data: Float32Array;
}

/** What is minimised beside the plain cross-entropy. */
export interface Objective {
  /** Part of each word's weight that goes evenly to all words (Szegedy et al. 2016, arXiv 1512.00567). Default 0. */
  readonly labelSmoothing?: number;
  /**
   * Weight of the penalty on attention that leaves places out or stays on them: the mean over sentences and places of
   * (1 − Σ over time of the place's weight)² (Xu et al. 2015, arXiv 1502.03044, equation 14, with a mean). Default 0.
   */
  readonly doublyStochastic?: number;
}

/**
 * Mean cross-entropy per word, in nats, of a batch under teacher forcing (Williams and Zipser 1989): at every step the
 * true previous word enters, whatever the model would have said; or what `inputs`, int32 [R], has in its place. With what
 * the objective adds. One tensor of shape []. Throws UnsupportedError for a penalty on attention where there is none.
 */
export function teacherForcingLoss(
  device: Device,
  decoder: Decoder,
  batch: Batch,
  table: FeatureTable,
  { labelSmoothing = 0, doublyStochastic = 0 }: Objective = {},
  inputs: Tensor = Tensor.from(device, batch.inputs),
): Tensor {
  const { output, weights } = teacherForced(device, decoder, batch, table, inputs);
  const targets = Tensor.from(device, batch.targets);
  const loss = sparseCrossEntropy(decoder.logits(output), targets, -1, labelSmoothing).mean();
  if (doublyStochastic === 0) return loss;
  if (!weights) {
    throw new UnsupportedError(
      `teacherForcingLoss: doublyStochastic ${doublyStochastic} was given, but this decoder has no attention; set it to 0`,
    );
  }
  const sums = execute('scatterAdd', [Tensor.from(device, sentenceOfRows(batch)), weights], {
    rows: batch.sentenceImage.length,
  });
  const missing = scalar(device, 1).subtract(sums);
  return loss.add(execute('square', [missing], {}).mean().scale(doublyStochastic));
}

/** What the decoder makes of a batch whose words are given. */
export function teacherForced(
  device: Device,
  decoder: Decoder,
  batch: Batch,
  table: FeatureTable,
  inputs: Tensor,
): ReturnType<Decoder['sequence']> {
  const encoding = decoder.encode(featureRows(device, table, batch.images));
  const all = decoder.select(encoding, Tensor.from(device, batch.sentenceImage));
  return decoder.sequence(decoder.projectWords(inputs), all, batch.active);
}

/** The cross-entropies of a batch's words [R], in its own order, under teacher forcing; `penalty` [1, V] is added to the logits. */
export function wordLosses(
  device: Device,
  decoder: Decoder,
  batch: Batch,
  table: FeatureTable,
  penalty: Tensor,
): Tensor {
  const { output } = teacherForced(device, decoder, batch, table, Tensor.from(device, batch.inputs));
  return sparseCrossEntropy(decoder.logits(output).add(penalty), Tensor.from(device, batch.targets));
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
