import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptionerConfig } from '../../config.ts';
import type { DropoutRates } from '../../decoder/decoder.ts';
import type { Baseline } from '../../training/self-critical.ts';
import type { Schedule } from '../../training/trainer.ts';
import { choiceFlag, numberFlag, threadsFlag, UsageError } from '../arguments.ts';
import { isData } from '../data-folder.ts';
import { packageFolder } from '../files.ts';
import type { Choice } from './best-epoch.ts';
import { type Config, configOfValues } from './config-file.ts';
import type { Values } from './flags.ts';

/** Where things are and what may differ from run to run. */
export interface RunSettings {
  readonly data: readonly string[];
  /** Files of sentences without images. */
  readonly text: readonly string[];
  readonly out: string;
  readonly resume: boolean;
  /** Whether a model or checkpoint in `out` may be overwritten. */
  readonly force: boolean;
  /** All settings as --config has them. */
  readonly config: Config;
  /** Model folder whose weights and words a new training begins with. */
  readonly from: string | undefined;
  readonly encoderFile: string;
  readonly cache: string;
  readonly threads: number | undefined;
  readonly prefer: 'auto' | 'webgpu' | 'cpu';
  /** Minutes between two checkpoints within an epoch; 0 for one after every batch. */
  readonly checkpointMinutes: number;
  /** File of the page that shows how training goes. */
  readonly plot: string;
  readonly epochs: number | undefined;
  readonly patience: number | undefined;
}

/** What makes a model what it is; kept in its checkpoint. */
export interface ModelSettings {
  readonly captions: {
    readonly articles: 'keep' | 'strip';
    readonly maximumWords: number;
    readonly minimumCount: number;
    readonly numWords: number | null;
    /** Whose words get ids: those of the captions alone, or also those of the text. */
    readonly vocabulary: 'captions' | 'all';
    readonly examples: number | null;
    readonly best: number | null;
    readonly heldOut: number;
  };
  /** How often the images of each data set come in an epoch; none: all once. */
  readonly dataWeights: readonly number[];
  readonly seed: number;
  readonly encoder: CaptionerConfig['encoder'];
  /** Without the vocabulary, which the captions decide. */
  readonly decoder: Omit<CaptionerConfig['decoder'], 'vocabulary'>;
  readonly objective: 'cross-entropy' | 'cider' | 'language-model';
  /** Of self-critical training; not looked at otherwise. */
  readonly selfCritical: {
    readonly samples: number;
    readonly baseline: Baseline;
    readonly crossEntropy: number;
  };
  readonly optimiser: 'adam' | 'adamw' | 'nadam' | 'sgd';
  /** Of adamw, and of sgd; 0 with the others. */
  readonly weightDecay: number;
  readonly momentum: number;
  readonly schedule: Schedule;
  readonly dropout: DropoutRates;
  readonly epochs: number;
  readonly patience: number;
  /** What the best epoch is chosen by. */
  readonly chooseBy: Choice;
  /** After every so many epochs (0: never) at most so many development images of each set are captioned and scored. */
  readonly scores: { readonly every: number; readonly images: number; readonly beam: number };
  readonly precision: 'float32' | 'float16';
}

const most = Number.MAX_SAFE_INTEGER;

function whole(flag: keyof Values, value: string | undefined, least = 1): number {
  return numberFlag(`--${flag}`, value ?? '', { least, most });
}

function fraction(flag: keyof Values, value: string, least: number, largest: number): number {
  return numberFlag(`--${flag}`, value, { least, most: largest, fraction: true });
}

/** The settings of the run; throws UsageError. */
export function runSettings(values: Values): RunSettings {
  const { data = [], out, threads, epochs, patience } = values;
  if (data.length === 0 || out === undefined) {
    throw new UsageError(`--${data.length === 0 ? 'data' : 'out'} DIR is missing. See --help.`);
  }
  for (const folder of data) {
    if (isData(folder)) continue;
    throw new UsageError(
      `--data ${folder} is no folder and no file. Name the folder that holds the captions and the images, or a list of images.`,
    );
  }
  if (values.resume && values.force) {
    throw new UsageError('--resume goes on with a training and --force begins anew. Give one of them.');
  }
  const weights = values['data-weight']?.length ?? 0;
  if (weights !== 0 && weights !== data.length) {
    throw new UsageError(
      `--data-weight is given ${weights} times for ${data.length} data sets. Give one for each, in their order, or none.`,
    );
  }
  const encoderFile = values.encoder ?? join(packageFolder(), 'models', 'flickr8k', 'encoder.safetensors');
  if (!statSync(encoderFile, { throwIfNoEntry: false })?.isFile()) {
    throw new UsageError(
      `--encoder ${encoderFile} is no file. Name weights that convert --inception has written.`,
    );
  }
  return {
    data,
    text: values.text ?? [],
    out,
    resume: values.resume,
    force: values.force,
    config: configOfValues(values),
    from: values.from,
    encoderFile,
    cache: values.cache,
    threads: threadsFlag(threads),
    prefer: choiceFlag('--device', values.device, ['auto', 'webgpu', 'cpu']),
    plot: values.plot ?? join(out, 'training.html'),
    checkpointMinutes: fraction('checkpoint-minutes', values['checkpoint-minutes'], 0, 1e6),
    epochs: epochs === undefined ? undefined : whole('epochs', epochs),
    patience: patience === undefined ? undefined : whole('patience', patience),
  };
}

/** The settings of a new model; throws UsageError. What they mean together is checked with its config.json. */
export function modelSettings(values: Values): ModelSettings {
  const attention = whole('attention', values.attention, 0);
  const doublyStochastic = fraction('doubly-stochastic', values['doubly-stochastic'], 0, 1e6);
  if (attention === 0 && (values.gate || doublyStochastic > 0)) {
    throw new UsageError(
      `--${values.gate ? 'gate' : 'doubly-stochastic'} is for attention: give it units with --attention.`,
    );
  }
  const blind = values.objective === 'language-model';
  if (blind && doublyStochastic > 0) {
    throw new UsageError(
      '--doubly-stochastic is for attention to images, and --objective language-model sees none. Leave it away.',
    );
  }
  if (values.vocabulary === 'all' && (!blind || values.from !== undefined)) {
    throw new UsageError(
      blind
        ? '--vocabulary all counts words anew, and --from takes those of its model. Give one of them.'
        : '--vocabulary all counts the words of --text too, which belongs to --objective language-model. Leave it away.',
    );
  }
  const optional = (flag: 'num-words' | 'num-examples' | 'best-captions' | 'decay-every') =>
    values[flag] === undefined ? null : whole(flag, values[flag]);
  const rate = (flag: 'dropout-encoding' | 'dropout-embedding' | 'dropout-output') =>
    fraction(flag, values[flag], 0, 0.95);
  const initialState = values['initial-state'] ?? (attention > 0 ? 'zeros' : 'dense');
  const pooling = choiceFlag('--pooling', values.pooling, ['average', 'grid']);
  return {
    captions: {
      articles: choiceFlag('--articles', values.articles, ['keep', 'strip']),
      maximumWords: whole('max-words', values['max-words']),
      minimumCount: whole('minimum-count', values['minimum-count']),
      numWords: optional('num-words'),
      vocabulary: choiceFlag('--vocabulary', values.vocabulary, ['captions', 'all']),
      examples: optional('num-examples'),
      best: optional('best-captions'),
      heldOut: fraction('held-out', values['held-out'], 0.001, 0.45),
    },
    dataWeights: (values['data-weight'] ?? []).map((weight) => fraction('data-weight', weight, 0.001, 1000)),
    seed: numberFlag('--seed', values.seed, { least: 0, most: 2 ** 32 - 1 }),
    encoder: {
      architecture: 'inception_v3',
      weights: 'encoder.safetensors',
      imageSide: whole('image-side', values['image-side'], 75),
      reduceTo: whole('reduce-to', values['reduce-to'], 0) || null,
      outputs: values.outputs.split(',').map((name) => name.trim()),
      pooling,
      transform: ['squareRoot', 'standardise'],
      projection: { units: whole('encoding-size', values['encoding-size']), activation: 'relu' },
      flatten: pooling === 'grid' && attention === 0,
    },
    decoder: {
      weights: 'decoder.safetensors',
      attention: attention > 0 ? { units: attention, ...(values.gate && { gate: true }) } : null,
      initialState: choiceFlag('--initial-state', initialState, ['dense', 'zeros']),
      embedding: whole('embedding', values.embedding),
      units: whole('lstm-size', values['lstm-size']),
      ...(choiceFlag('--layers', values.layers, ['1', '2']) === '2' && { layers: 2 as const }),
      ...(values['deep-output'] && { outputFrom: 'hidden+context+word' as const }),
      ...(values.tie && { tied: true }),
      activation: 'tanh',
      recurrentActivation: 'sigmoid',
      maximumLength: whole('caption-length', values['caption-length']),
    },
    objective: choiceFlag('--objective', values.objective, ['cross-entropy', 'cider', 'language-model']),
    selfCritical: {
      samples: whole('samples', values.samples),
      baseline: choiceFlag('--baseline', values.baseline, ['mean', 'greedy']),
      crossEntropy: fraction('cross-entropy-weight', values['cross-entropy-weight'], 0, 1e6),
    },
    ...optimiserSettings(values),
    schedule: {
      learningRate: fraction('learning-rate', values['learning-rate'], 1e-9, 100),
      kind: choiceFlag('--schedule', values.schedule, ['constant', 'step', 'cosine']),
      warmUp: whole('warm-up', values['warm-up'], 0),
      decayEvery: optional('decay-every'),
      decay: fraction('decay', values.decay, 1e-6, 1),
      decayAfter: whole('decay-after', values['decay-after'], 0),
      clipNorm: fraction('clip-norm', values['clip-norm'], 1e-6, 1e9),
      batchImages: whole('batch-images', values['batch-images']),
      batchSentences: whole('batch-sentences', values['batch-sentences']),
      byLength: choiceFlag('--batches', values.batches, ['shuffled', 'length']) === 'length',
      labelSmoothing: fraction('label-smoothing', values['label-smoothing'], 0, 0.99),
      doublyStochastic,
      scheduledSampling: fraction('scheduled-sampling', values['scheduled-sampling'], 0, 1),
    },
    dropout: {
      encoding: rate('dropout-encoding'),
      embedding: rate('dropout-embedding'),
      output: rate('dropout-output'),
    },
    epochs: whole('epochs', values.epochs ?? '10'),
    patience: whole('patience', values.patience ?? '2'),
    ...choiceSettings(values),
    precision: choiceFlag('--precision', values.precision, ['float32', 'float16']),
  };
}

/** Flags of another optimiser are refused: whoever gives them expects that they do something. */
function optimiserSettings(values: Values): Pick<ModelSettings, 'optimiser' | 'weightDecay' | 'momentum'> {
  const optimiser = choiceFlag('--optimiser', values.optimiser, ['adam', 'adamw', 'nadam', 'sgd']);
  const ofOptimiser = (
    flag: 'weight-decay' | 'momentum',
    owner: ModelSettings['optimiser'],
    byDefault: string,
    largest: number,
  ): number => {
    const value = values[flag];
    if (value !== undefined && optimiser !== owner) {
      throw new UsageError(
        `--${flag} belongs to --optimiser ${owner}, and the optimiser is ${optimiser}. Leave it away, or change the optimiser.`,
      );
    }
    return optimiser === owner ? fraction(flag, value ?? byDefault, 0, largest) : 0;
  };
  return {
    optimiser,
    weightDecay: ofOptimiser('weight-decay', 'adamw', '0.01', 100),
    momentum: ofOptimiser('momentum', 'sgd', '0', 0.9999),
  };
}

function choiceSettings(values: Values): Pick<ModelSettings, 'chooseBy' | 'scores'> {
  const byDefault = values.objective === 'cider' ? 'cider' : 'loss';
  const chooseBy = choiceFlag('--choose-by', values['choose-by'] ?? byDefault, ['loss', 'cider']);
  const blind = values.objective === 'language-model';
  const every = blind ? 0 : whole('score-every', values['score-every'], 0);
  if (chooseBy === 'cider' && every === 0) {
    throw new UsageError(
      blind
        ? '--choose-by cider needs captions of images, and --objective language-model sees none. Choose by loss.'
        : '--choose-by cider needs captions to score, and --score-every 0 makes none. Raise it.',
    );
  }
  const images = whole('score-images', values['score-images']);
  return {
    chooseBy,
    scores: {
      every,
      images,
      beam: numberFlag('--score-beam', values['score-beam'], { least: 1, most: 100 }),
    },
  };
}
