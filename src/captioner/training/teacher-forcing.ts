import type { Device } from '../../kernels/device.ts';
import type { LSTMState } from '../../nn/layers/lstm.ts';
import { concat, sparseCrossEntropy } from '../../tensor/functions.ts';
import { executeAll, Tensor } from '../../tensor/tensor.ts';
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
  let state = decoder.initialState(all);
  let running = all;
  const words = decoder.projectWords(Tensor.from(device, batch.inputs));
  const steps = executeAll('split', [words], { axis: 0, sizes: batch.active });
  const hidden = steps.map((word, step) => {
    const count = batch.active[step];
    if (count < state.h.shape[0]) {
      state = { h: first(state.h, count), c: first(state.c, count) };
      running = {
        features: first(running.features, count),
        projected: running.projected && first(running.projected, count),
        keys: running.keys && first(running.keys, count),
      };
    }
    state = decoder.advance(word, running, state) satisfies LSTMState;
    return state.h;
  });
  const logits = decoder.logits(concat(hidden, 0));
  return sparseCrossEntropy(logits, Tensor.from(device, batch.targets)).mean();
}

function first(x: Tensor, count: number): Tensor {
  return x.slice(
    x.shape.map(() => 0),
    [count, ...x.shape.slice(1)],
  );
}

function rows(device: Device, { rowShape, data }: FeatureTable, images: Int32Array): Tensor {
  const width = rowShape.reduce((product, dimension) => product * dimension, 1);
  const chosen = new Float32Array(images.length * width);
  images.forEach((image, row) => chosen.set(data.subarray(image * width, (image + 1) * width), row * width));
  return Tensor.from(device, chosen, [images.length, ...rowShape]);
}
