import { stages } from '../../../nn/inception-v3/architecture.ts';
import type { CaptionerConfig } from '../../config.ts';
import type { DropoutRates } from '../../decoder/decoder.ts';
import type { Augmentation } from '../../images/augment-image.ts';
import type { ObjectiveName } from '../../training/encoder/joint-objective.ts';
import { choiceFlag, numberFlag, UsageError } from '../arguments.ts';
import { fraction, type Values, whole } from './flags.ts';

/** What makes an encoder what it is; kept in the checkpoint. */
export interface FineTuningSettings {
  /** The first stage that is trained. */
  readonly first: string;
  readonly outputs: readonly string[];
  readonly objectives: readonly { readonly name: ObjectiveName; readonly weight: number }[];
  readonly words: number;
  /** Of the objective captions; not looked at otherwise. */
  readonly captions: {
    readonly articles: 'keep' | 'strip';
    readonly maximumWords: number;
    readonly labelSmoothing: number;
    readonly doublyStochastic: number;
    readonly dropout: DropoutRates;
  };
  readonly imageSide: number;
  readonly reduceTo: number | null;
  readonly augmentation: Augmentation;
  /** How often an epoch has the images of each data set; none: all once. */
  readonly dataWeights: readonly number[];
  readonly heldOut: number;
  readonly epochs: number;
  readonly steps: number | null;
  readonly batchImages: number;
  readonly accumulate: number;
  readonly encoderRate: number;
  readonly decoderRate: number;
  readonly objectiveRate: number;
  readonly warmUp: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly movingAverage: number;
  readonly measure: number;
  readonly precision: 'float32' | 'float16';
  readonly seed: number;
}

/** Whether an objective is among those that are trained for. */
export function trainsFor({ objectives }: FineTuningSettings, name: ObjectiveName): boolean {
  return objectives.some((one) => one.name === name);
}

/** The names in --objective; throws UsageError. */
export function objectiveNames({ objective }: Values): ObjectiveName[] {
  const names = objective
    .split(',')
    .map((name) => choiceFlag<ObjectiveName>('--objective', name.trim(), ['words', 'captions', 'features']));
  if (new Set(names).size === names.length) return names;
  throw new UsageError(`--objective ${objective} names one twice. Raise its --objective-weight instead.`);
}

function objectivesOf(values: Values): FineTuningSettings['objectives'] {
  const names = objectiveNames(values);
  const weights = values['objective-weight']?.split(',') ?? names.map(() => '1');
  if (weights.length !== names.length) {
    throw new UsageError(
      `--objective-weight ${values['objective-weight']} has ${weights.length} weights for ${names.length} objectives. Give one for each, in the order of --objective.`,
    );
  }
  return names.map((name, index) => ({
    name,
    weight: fraction('objective-weight', weights[index].trim(), 1e-6, 1e6),
  }));
}

/**
 * The settings of a new fine-tuning; those that say what is read of which images are the model's, where there is one.
 * Throws UsageError.
 */
export function fineTuningSettings(values: Values, model: CaptionerConfig | null): FineTuningSettings {
  const names = stages.map(({ name }) => name);
  const first = choiceFlag('--fine-tune', values['fine-tune'] ?? '', ['all', ...names]);
  const begin = first === 'all' ? names[0] : first;
  const given = (['outputs', 'image-side', 'reduce-to'] as const).find((flag) => values[flag] !== undefined);
  if (model && given !== undefined) {
    throw new UsageError(
      `--${given} is that of the model in --from, which reads ${model.encoder.outputs.join(', ')} of ${model.encoder.imageSide} pixels. Leave it away.`,
    );
  }
  const outputs =
    model?.encoder.outputs ??
    (values.outputs ?? 'mixed8').split(',').map((name) => choiceFlag('--outputs', name.trim(), names));
  const unread = outputs.find((name) => names.indexOf(name) < names.indexOf(begin));
  if (unread !== undefined) {
    throw new UsageError(
      model
        ? `--fine-tune ${begin}: the model in --from reads ${unread}, which lies below. Begin at ${unread} or below.`
        : `--outputs ${unread} lies below ${begin}, where --fine-tune begins. Name stages from there up.`,
    );
  }
  const rate = (flag: 'dropout-encoding' | 'dropout-embedding' | 'dropout-output') =>
    fraction(flag, values[flag], 0, 0.95);
  const doublyStochastic = fraction('doubly-stochastic', values['doubly-stochastic'], 0, 1e6);
  if (doublyStochastic > 0 && model && !model.decoder.attention) {
    throw new UsageError(
      '--doubly-stochastic is for attention, and the model in --from has none. Leave it away.',
    );
  }
  return {
    first: begin,
    // As a model has them: its features lie in that order.
    outputs: model ? outputs : names.filter((name) => outputs.includes(name)),
    objectives: objectivesOf(values),
    words: whole('words', values.words),
    captions: {
      articles: choiceFlag('--articles', values.articles, ['keep', 'strip']),
      maximumWords: whole('max-words', values['max-words']),
      labelSmoothing: fraction('label-smoothing', values['label-smoothing'], 0, 0.99),
      doublyStochastic,
      dropout: {
        encoding: rate('dropout-encoding'),
        embedding: rate('dropout-embedding'),
        output: rate('dropout-output'),
      },
    },
    imageSide:
      model?.encoder.imageSide ??
      numberFlag('--image-side', values['image-side'] ?? '299', { least: 75, most: 4096 }),
    reduceTo: model ? model.encoder.reduceTo : whole('reduce-to', values['reduce-to'] ?? '224', 0) || null,
    augmentation: {
      flip: values.flip,
      crop: fraction('crop', values.crop, 0.1, 1),
      colour: fraction('colour', values.colour, 0, 0.9),
    },
    dataWeights: (values['data-weight'] ?? []).map((weight) => fraction('data-weight', weight, 0.001, 1000)),
    heldOut: fraction('held-out', values['held-out'], 0.001, 0.45),
    epochs: whole('epochs', values.epochs ?? '1'),
    steps: values.steps === undefined ? null : whole('steps', values.steps),
    batchImages: whole('batch-images', values['batch-images']),
    accumulate: whole('accumulate', values.accumulate),
    encoderRate: fraction('encoder-rate', values['encoder-rate'], 0, 100),
    decoderRate: fraction('decoder-rate', values['decoder-rate'], 0, 100),
    objectiveRate: fraction('objective-rate', values['objective-rate'], 0, 100),
    warmUp: whole('warm-up', values['warm-up'], 0),
    weightDecay: fraction('weight-decay', values['weight-decay'], 0, 10),
    clipNorm: fraction('clip-norm', values['clip-norm'], 1e-6, 1e9),
    movingAverage: fraction('moving-average', values['moving-average'], 0, 0.999999),
    measure: whole('measure', values.measure),
    precision: choiceFlag('--precision', values.precision, ['float32', 'float16']),
    seed: numberFlag('--seed', values.seed, { least: 0, most: 2 ** 32 - 1 }),
  };
}
