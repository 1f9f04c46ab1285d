import type { Device } from '../../kernels/device.ts';
import type { Random } from '../../nn/random.ts';
import { argmax, concat, gather } from '../../tensor/functions.ts';
import { scope } from '../../tensor/scope.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { type Batch, previousRows } from './batches.ts';
import { type FeatureTable, teacherForced } from './teacher-forcing.ts';

/**
 * The words that enter a batch, int32 [R], each but the first of a sentence replaced with the given probability by the word
 * that the model thinks likeliest there (scheduled sampling, Bengio et al. 2015, arXiv 1506.03099). In two passes, as
 * Mihaylova and Martins 2019 (arXiv 1906.07651) have it for other decoders: the model's words are those it gives, without
 * dropout, after the true words before; so all steps still run at once. No gradient goes through them. Nothing is read
 * back: `random` chooses the places on the host.
 */
export function scheduledInputs(
  device: Device,
  decoder: Decoder,
  batch: Batch,
  table: FeatureTable | null,
  probability: number,
  random: Random,
): Tensor {
  const { training } = decoder;
  decoder.train(false);
  try {
    return scope(() => {
      const given = Tensor.from(device, batch.inputs);
      const { output } = teacherForced(device, decoder, batch, table, given);
      const said = argmax(decoder.logits(output));
      return gather(concat([given, said], 0), Tensor.from(device, sourceRows(batch, probability, random)));
    });
  } finally {
    decoder.train(training);
  }
}

/** For each row the row of [true words, words said] that enters there: its own, or what was said at the step before. */
function sourceRows(batch: Batch, probability: number, random: Random): Int32Array {
  const count = batch.inputs.length;
  return previousRows(batch).map((previous, row) =>
    previous >= 0 && random.uniform(0, 1) < probability ? count + previous : row,
  );
}
