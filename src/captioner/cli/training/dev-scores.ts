import type { Device } from '../../../kernels/device.ts';
import type { Decoder } from '../../decoder/decoder.ts';
import { decoderCaptions } from '../../evaluation/decoder-captions.ts';
import { evaluateCaptions } from '../../metrics/evaluate-captions.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import { openProgressBar } from '../progress-bar.ts';
import type { ModelSettings } from './settings.ts';
import type { SignalWatch } from './signals.ts';
import type { DevSet } from './training-data.ts';

/** Scores of the captions of a set's development images. */
export interface DevScores {
  readonly devCider: number;
  readonly devBleu4: number;
  /** By path of the image, evenly chosen from the set. */
  readonly captions: ReadonlyMap<string, string>;
}

/** Captions some development images of a set as the settings say, and scores that against all that people wrote. */
export async function scoreDevSet(
  { device, decoder, tokenizer }: { device: Device; decoder: Decoder; tokenizer: Tokenizer },
  features: FeatureTable,
  { path, images, references }: DevSet,
  { images: most, beam }: Pick<ModelSettings['scores'], 'images' | 'beam'>,
  signals: SignalWatch,
): Promise<DevScores> {
  const count = Math.min(most, images.length);
  const chosen = Array.from({ length: count }, (_, index) => Math.floor((index * images.length) / count));
  const rows = chosen.map((index) => images[index].features);
  const bar = openProgressBar(`captions of ${path}`);
  try {
    const sentences = await decoderCaptions(device, decoder, tokenizer, features, rows, {
      beam,
      progress: (done) => {
        bar.update(done, count);
        return signals.check();
      },
    });
    const captions = new Map(chosen.map((index, row) => [references[index].image, sentences[row]]));
    const people = new Map(chosen.map((index) => [references[index].image, references[index].captions]));
    const scores = evaluateCaptions(captions, people);
    return { devCider: scores.CIDEr, devBleu4: scores['BLEU-4'], captions };
  } finally {
    bar.close();
  }
}
