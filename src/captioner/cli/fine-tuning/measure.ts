import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { openScope } from '../../../tensor/scope.ts';
import { meanAveragePrecision } from '../../metrics/average-precision.ts';
import type { EncoderTrainer } from '../../training/encoder/encoder-trainer.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import { openProgressBar } from '../progress-bar.ts';
import { scoreDevSet } from '../training/dev-scores.ts';
import type { SignalWatch } from '../training/signals.ts';
import type { DevSet, OpenedSet } from '../training/training-data.ts';
import type { FineTuned, Targets } from './build.ts';
import type { EncoderInputs } from './encoder-inputs.ts';
import type { FineTuningMeasures } from './epoch.ts';
import type { TunedImages } from './tuned-images.ts';

/** Words whose mean average precision is measured, the commonest. */
const measuredWords = 200;

export interface MeasureParts extends TunedImages {
  readonly device: Device;
  readonly sets: readonly OpenedSet[];
  readonly targets: Targets;
  readonly trained: FineTuned;
  readonly trainer: EncoderTrainer;
  readonly inputs: EncoderInputs;
  readonly batchImages: number;
}

export interface Measured {
  readonly measures: FineTuningMeasures;
  /** Of captions: what the model says of each image, by its path. */
  readonly captions: ReadonlyMap<string, string>;
}

/** Measures on the development images, with the averaged weights where there are such; throws Interrupted. */
export async function measure(parts: MeasureParts, signals: SignalWatch): Promise<Measured> {
  const { trained } = parts;
  const putBack = trained.average?.swapIn();
  trained.model.train(false);
  try {
    const seen = await lookAtAll(parts, signals);
    const measures = { ...lossesOf(parts, seen), ...precisionOf(parts, seen), ...explainedOf(parts, seen) };
    const { captions } = trained.objective;
    if (!seen.features || !captions || !parts.targets.captions) return { measures, captions: new Map() };
    const model = {
      device: parts.device,
      decoder: captions.decoder,
      tokenizer: parts.targets.captions.tokenizer,
    };
    const { captions: sentences, ...scores } = await scoreDevSet(
      model,
      seen.features,
      devSet(parts),
      { images: parts.images.length - parts.trainCount, beam: 1 },
      signals,
    );
    return { measures: { ...measures, ...scores }, captions: sentences };
  } finally {
    putBack?.();
  }
}

/** What was seen of the development images. */
interface Seen {
  /** Mean loss of each objective, in the order of its parts. */
  readonly losses: readonly number[];
  /** Of words [images · words]. */
  readonly logits: Float32Array;
  /** What the decoder reads, where there is one. */
  readonly features: FeatureTable | null;
}

async function lookAtAll(
  { trainCount, images, batchImages, inputs, trained, trainer }: MeasureParts,
  signals: SignalWatch,
): Promise<Seen> {
  const { parts, words, captions } = trained.objective;
  const sums = parts.map(() => ({ loss: 0, terms: 0 }));
  const logits: Float32Array[] = [];
  const features: Float32Array[] = [];
  let rowShape: readonly number[] = [];
  const bar = openProgressBar('measuring');
  try {
    for (let first = trainCount; first < images.length; first += batchImages) {
      const last = Math.min(images.length, first + batchImages);
      const numbers = Array.from({ length: last - first }, (_, index) => first + index);
      const put = await inputs.load(numbers, null);
      const opened = openScope();
      try {
        const stages = trainer.outputs(put());
        for (const [index, { part }] of parts.entries()) {
          const terms = part.terms(numbers);
          sums[index].loss += (await part.loss(stages, numbers).item()) * terms;
          sums[index].terms += terms;
        }
        if (words) logits.push((await words.logits(stages).data()) as Float32Array);
        if (captions) {
          const read = captions.features(stages);
          rowShape = read.shape.slice(1);
          features.push((await read.data()) as Float32Array);
        }
      } finally {
        opened.close();
      }
      bar.update(last - trainCount, images.length - trainCount);
      await signals.check();
    }
  } finally {
    bar.close();
  }
  return {
    losses: sums.map(({ loss, terms }) => loss / terms),
    logits: joined(logits),
    features: captions && { rowShape, data: joined(features) },
  };
}

function lossesOf({ trained }: MeasureParts, { losses }: Seen): FineTuningMeasures {
  const { parts } = trained.objective;
  const devLoss = parts.reduce((sum, { weight }, index) => sum + weight * losses[index], 0);
  if (parts.length === 1) return { devLoss };
  return { devLoss, devLosses: Object.fromEntries(parts.map(({ name }, index) => [name, losses[index]])) };
}

function precisionOf(
  { targets, trainCount, images }: MeasureParts,
  { logits }: Seen,
): Pick<FineTuningMeasures, 'devPrecision'> {
  if (!targets.words) return {};
  const { shares } = targets.words;
  const width = shares.length / images.length;
  return {
    devPrecision: meanAveragePrecision(logits, shares.subarray(trainCount * width), width, measuredWords),
  };
}

function explainedOf(
  { trained, trainCount, images }: MeasureParts,
  { losses }: Seen,
): Pick<FineTuningMeasures, 'devExplained'> {
  const { parts, features } = trained.objective;
  if (!features) return {};
  const error = losses[parts.findIndex(({ name }) => name === 'features')];
  const numbers = Array.from({ length: images.length - trainCount }, (_, index) => trainCount + index);
  const all = variance(features.rows(numbers), numbers.length);
  // A single image has none that could be explained.
  return all > 0 ? { devExplained: 1 - error / all } : {};
}

/** The mean over all columns of the variance of the rows' elements. */
function variance(values: Float32Array, rows: number): number {
  const width = values.length / rows;
  let sum = 0;
  for (let column = 0; column < width; column++) {
    let mean = 0;
    for (let row = 0; row < rows; row++) mean += values[row * width + column] / rows;
    for (let row = 0; row < rows; row++) sum += (values[row * width + column] - mean) ** 2;
  }
  return sum / values.length;
}

/** The development images as those are who score captions: their features lie in their order. */
function devSet({ sets, images, trainCount }: MeasureParts): DevSet {
  const dev = images.slice(trainCount);
  return {
    path: sets.map(({ path }) => path).join(', '),
    images: dev.map((_, row) => ({ features: row, captions: [] })),
    references: dev.map(({ set, image, written }) => ({
      image: join(sets[set].folder, image),
      captions: [...written],
    })),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
