import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptionerConfig } from '../../config.ts';
import type { DropoutRates } from '../../decoder/decoder.ts';
import type { Baseline } from '../../training/self-critical.ts';
import type { Schedule } from '../../training/trainer.ts';
import { choiceFlag, numberFlag, type readArguments, threadsFlag, UsageError } from '../arguments.ts';
import { packageFolder } from '../files.ts';

export const HELP = `Trains a captioner: an LSTM decoder over the features of a pretrained InceptionV3.

Usage: node dist/train.js [options] --data DIR --out DIR

  --data DIR             data set: Flickr8k (captions.txt or Flickr8k.token.txt, split lists) or MS COCO (captions_*.json);
                         given several times, all of them are used
  --out DIR              folder for the model, the checkpoint and the metrics; made if it is not there
  --resume               go on from the checkpoint in --out, with its settings; only --epochs and --patience may change
  --from DIR             begin with the weights and words of this model folder, which has the same sizes
  --average DIRS         no training: the mean of these model folders (by commas), trained on from one, into --out
  --encoder FILE         weights of InceptionV3 (default: those of the shipped model)
  --cache DIR            where image features are kept (default: .cache/features)
  --threads N            threads that compute (default: one a core; on WebGPU, one that feeds it)
  --device NAME          auto, webgpu or cpu (default: auto)

 Captions
  --articles NAME        keep or strip a, an and the (default: keep)
  --max-words N          longer captions are left out (default: 30)
  --minimum-count N      words seen less often become the unknown word (default: 4)
  --num-words N          ids stay below this number (default: no limit)
  --num-examples N       only the first so many captions are used (default: all)
  --best-captions N      of each image, dev too, only the N captions that agree best with its others (default: all)
  --held-out PART        part held out for choosing, and again for testing, where there are no split lists (default: 0.1)
  --seed N               of the split, the first weights, the order and the dropout (default: 42)

 Model
  --image-side N         side of the square that images are resized to (default: 235)
  --reduce-to N          larger images are first averaged down to this side; 0 for never (default: 224)
  --outputs NAMES        block outputs that are read, by commas (default: mixed7,mixed8)
  --pooling NAME         average, or grid (of one output) (default: average)
  --encoding-size N      width of the image's encoding (default: 256)
  --attention N          units of additive attention over the grid; 0 for none (default: 0)
  --gate                 attention's context goes through a sigmoid gate, channel by channel
  --initial-state NAME   dense (from the encoding, or the grid's mean) or zeros (default: dense, zeros with attention)
  --embedding N          width of a word's vector (default: 256)
  --lstm-size N          hidden units (default: 512)
  --layers N             layers of the LSTM, 1 or 2 (default: 1)
  --deep-output          a tanh layer over hidden state, context and word comes before the output layer
  --tie                  the output layer's kernel is the transpose of the word vectors
  --caption-length N     most words that the model writes (default: 20)

 Objective
  --objective NAME       cross-entropy (teacher forcing), or cider: self-critical training on the CIDEr-D of sentences that
                         the model draws, for a model that has learnt by cross-entropy (see --from) (default: cross-entropy)
  --samples N            cider: sentences drawn for each image (default: 5)
  --baseline NAME        cider: what a sentence's score is compared with: mean (of the image's other samples) or greedy (the
                         sentence that the model would say) (default: mean)
  --cross-entropy-weight R
                         cider: how much the cross-entropy of people's captions counts beside (default: 0)

 Training
  --epochs N             (default: 10)
  --batch-images N       images a batch, each with all of its captions (default: 25)
  --optimiser NAME       adam, adamw, nadam or sgd (default: adam)
  --weight-decay R       of adamw: part of a weight that a step takes away, times the rate (default: 0.01)
  --momentum R           of sgd: part of the last step that is taken again (default: 0)
  --learning-rate R      (default: 0.001)
  --schedule NAME        how the rate goes on: constant, step, or cosine, down to 0 at the end (default: step)
  --warm-up N            steps over which the rate first rises evenly (default: 0)
  --decay R              of step: the rate is multiplied by this every epoch … (default: 0.8)
  --decay-every N        … or rather every so many steps …
  --decay-after N        … after so many epochs, or times that many steps (default: 4)
  --clip-norm R          largest norm of all gradients together (default: 5)
  --label-smoothing E    part of each word's weight that goes evenly to all words (default: 0)
  --doubly-stochastic L  weight of the penalty on attention that leaves places out (default: 0)
  --scheduled-sampling P probability that the model's own word enters in place of the true one (default: 0)
  --dropout-encoding R   (default: 0.4)
  --dropout-embedding R  (default: 0.4)
  --dropout-output R     (default: 0.4)
  --patience N           epochs without a better validation loss before training stops (default: 2)
  --precision NAME       float32 or float16 weights of the decoder in the model (default: float16)
  --version, --help

Losses are means per word in nats: that of training is what is minimised, that of validation plain cross-entropy. After every
epoch the greedy captions of the development images are scored; the epoch that is kept has the lowest validation loss, or with
--objective cider the highest CIDEr. --out then holds a model folder for caption --model, metrics.jsonl with one line an
epoch, training.json, and checkpoint.safetensors. Exit code: 0 trained, 1 failed on the way, 2 cannot begin as written.`;

const text = { type: 'string' } as const;

export const FLAGS = {
  data: { type: 'string', multiple: true },
  out: text,
  resume: { type: 'boolean', default: false },
  from: text,
  average: text,
  encoder: text,
  cache: { type: 'string', default: join('.cache', 'features') },
  threads: text,
  device: { type: 'string', default: 'auto' },
  articles: { type: 'string', default: 'keep' },
  'max-words': { type: 'string', default: '30' },
  'minimum-count': { type: 'string', default: '4' },
  'num-words': text,
  'num-examples': text,
  'best-captions': text,
  'held-out': { type: 'string', default: '0.1' },
  seed: { type: 'string', default: '42' },
  'image-side': { type: 'string', default: '235' },
  'reduce-to': { type: 'string', default: '224' },
  outputs: { type: 'string', default: 'mixed7,mixed8' },
  pooling: { type: 'string', default: 'average' },
  'encoding-size': { type: 'string', default: '256' },
  attention: { type: 'string', default: '0' },
  gate: { type: 'boolean', default: false },
  'initial-state': text,
  embedding: { type: 'string', default: '256' },
  'lstm-size': { type: 'string', default: '512' },
  layers: { type: 'string', default: '1' },
  'deep-output': { type: 'boolean', default: false },
  tie: { type: 'boolean', default: false },
  'caption-length': { type: 'string', default: '20' },
  objective: { type: 'string', default: 'cross-entropy' },
  samples: { type: 'string', default: '5' },
  baseline: { type: 'string', default: 'mean' },
  'cross-entropy-weight': { type: 'string', default: '0' },
  epochs: text,
  'batch-images': { type: 'string', default: '25' },
  optimiser: { type: 'string', default: 'adam' },
  'learning-rate': { type: 'string', default: '0.001' },
  'weight-decay': text,
  momentum: text,
  schedule: { type: 'string', default: 'step' },
  'warm-up': { type: 'string', default: '0' },
  decay: { type: 'string', default: '0.8' },
  'decay-every': text,
  'decay-after': { type: 'string', default: '4' },
  'clip-norm': { type: 'string', default: '5' },
  'label-smoothing': { type: 'string', default: '0' },
  'doubly-stochastic': { type: 'string', default: '0' },
  'scheduled-sampling': { type: 'string', default: '0' },
  'dropout-encoding': { type: 'string', default: '0.4' },
  'dropout-embedding': { type: 'string', default: '0.4' },
  'dropout-output': { type: 'string', default: '0.4' },
  patience: text,
  precision: { type: 'string', default: 'float16' },
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export type Values = ReturnType<typeof readArguments<typeof FLAGS>>['values'];

/** Where things are and what may differ from run to run. */
export interface RunSettings {
  readonly data: readonly string[];
  readonly out: string;
  readonly resume: boolean;
  /** Model folder whose weights and words a new training begins with. */
  readonly from: string | undefined;
  readonly encoderFile: string;
  readonly cache: string;
  readonly threads: number | undefined;
  readonly prefer: 'auto' | 'webgpu' | 'cpu';
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
    readonly examples: number | null;
    readonly best: number | null;
    readonly heldOut: number;
  };
  readonly seed: number;
  readonly encoder: CaptionerConfig['encoder'];
  /** Without the vocabulary, which the captions decide. */
  readonly decoder: Omit<CaptionerConfig['decoder'], 'vocabulary'>;
  readonly objective: 'cross-entropy' | 'cider';
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
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    throw new UsageError(
      `--data ${folder} is no folder. Name the one that holds the captions and the images.`,
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
    out,
    resume: values.resume,
    from: values.from,
    encoderFile,
    cache: values.cache,
    threads: threadsFlag(threads),
    prefer: choiceFlag('--device', values.device, ['auto', 'webgpu', 'cpu']),
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
      examples: optional('num-examples'),
      best: optional('best-captions'),
      heldOut: fraction('held-out', values['held-out'], 0.001, 0.45),
    },
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
    objective: choiceFlag('--objective', values.objective, ['cross-entropy', 'cider']),
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
