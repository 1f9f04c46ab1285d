import { statSync } from 'node:fs';
import { join } from 'node:path';
import { stages } from '../../../nn/inception-v3/architecture.ts';
import type { Augmentation } from '../../images/augment-image.ts';
import { choiceFlag, numberFlag, type readArguments, threadsFlag, UsageError } from '../arguments.ts';

export const HELP = `Fine-tunes the encoder: trains the convolutions of an InceptionV3 from a stage up, for captions' words.

Usage: node dist/train.js --fine-tune STAGE [options] --encoder FILE --data DIR --out DIR

  --fine-tune STAGE      the first stage that is trained: stem1, stem2, mixed0 … mixed10, or all
  --encoder FILE         weights of InceptionV3 to begin with
  --data DIR             data set, as for training a captioner; may be given several times
  --out DIR              folder for encoder.safetensors, the checkpoint and the metrics; made if it is not there
  --resume               go on from the checkpoint in --out; only --steps and --epochs may change
  --force                begin anew in a folder that holds an encoder or a checkpoint
  --cache DIR            where what the untrained stages make of the images is kept, in float16 (default: .cache/features)
  --threads N, --device NAME
                         as for training a captioner

 Objective
  --objective NAME       words: tells which of the commonest words the captions of an image have (default: words)
  --words N              how many words (default: 1000)
  --outputs NAMES        the stages that are read, by commas; none above the last is computed (default: mixed8)

 Images
  --image-side N         side of the square that images are resized to (default: 299)
  --reduce-to N          larger images are first averaged down to this side; 0 for never (default: 224)
  --flip                 mirror every second image at random
  --crop PART            cut out a part of at least this share of each side (default: 1, the whole)
  --colour PART          change brightness, contrast and saturation by at most this share (default: 0)
                         The images are only varied where all stages are trained: what others make of them is cached.

 Training
  --epochs N             (default: 1)
  --steps N              stop after so many steps, however many epochs that makes
  --batch-images N       images that are computed at once (default: 16)
  --accumulate N         batches whose gradients make one step (default: 1)
  --encoder-rate R       learning rate of the convolutions (default: 0.0001)
  --objective-rate R     learning rate of the layer that tells the words (default: 0.001)
  --warm-up N            steps over which both rates rise to these; then they fall to 0 by half a cosine (default: 100)
  --weight-decay R       of AdamW: part of a weight that a step takes away, times the rate (default: 0)
  --clip-norm R          largest norm of all gradients together (default: 1)
  --moving-average D     keep the moving average of the weights with this decay; 0 for the last ones (default: 0.99)
  --measure N            development images that are measured after every epoch (default: 500)
  --checkpoint-minutes N minutes between two checkpoints (default: 5)
  --precision NAME       float32 or float16 weights in encoder.safetensors (default: float16)
  --seed N               (default: 42)
  --version, --help

Losses are means per image and word in nats. After every epoch the loss and the mean average precision of the 200 commonest
words on the development images are measured. Exit code: 0 trained, 1 failed on the way, 2 cannot begin as written.`;

const text = { type: 'string' } as const;
const withDefault = (value: string) => ({ type: 'string', default: value }) as const;
const off = { type: 'boolean', default: false } as const;

export const FLAGS = {
  'fine-tune': text,
  encoder: text,
  data: { type: 'string', multiple: true },
  out: text,
  resume: off,
  force: off,
  cache: withDefault(join('.cache', 'features')),
  threads: text,
  device: withDefault('auto'),
  objective: withDefault('words'),
  words: withDefault('1000'),
  outputs: withDefault('mixed8'),
  'image-side': withDefault('299'),
  'reduce-to': withDefault('224'),
  flip: off,
  crop: withDefault('1'),
  colour: withDefault('0'),
  epochs: withDefault('1'),
  steps: text,
  'batch-images': withDefault('16'),
  accumulate: withDefault('1'),
  'encoder-rate': withDefault('0.0001'),
  'objective-rate': withDefault('0.001'),
  'warm-up': withDefault('100'),
  'weight-decay': withDefault('0'),
  'clip-norm': withDefault('1'),
  'moving-average': withDefault('0.99'),
  measure: withDefault('500'),
  'checkpoint-minutes': withDefault('5'),
  precision: withDefault('float16'),
  seed: withDefault('42'),
  version: off,
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Values = ReturnType<typeof readArguments<typeof FLAGS>>['values'];

/** Where things are and what may differ from run to run. */
export interface FineTuningRun {
  readonly encoderFile: string;
  readonly data: readonly string[];
  readonly out: string;
  readonly resume: boolean;
  readonly force: boolean;
  readonly cache: string;
  readonly threads: number | undefined;
  readonly prefer: 'auto' | 'webgpu' | 'cpu';
  readonly checkpointMinutes: number;
}

/** What makes an encoder what it is; kept in the checkpoint. */
export interface FineTuningSettings {
  /** The first stage that is trained. */
  readonly first: string;
  readonly outputs: readonly string[];
  readonly objective: 'words';
  readonly words: number;
  readonly imageSide: number;
  readonly reduceTo: number | null;
  readonly augmentation: Augmentation;
  readonly epochs: number;
  readonly steps: number | null;
  readonly batchImages: number;
  readonly accumulate: number;
  readonly encoderRate: number;
  readonly objectiveRate: number;
  readonly warmUp: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly movingAverage: number;
  readonly measure: number;
  readonly precision: 'float32' | 'float16';
  readonly seed: number;
}

const most = Number.MAX_SAFE_INTEGER;

function whole(flag: keyof Values, text: string, least = 1): number {
  return numberFlag(`--${flag}`, text, { least, most });
}

function fraction(flag: keyof Values, text: string, least: number, largest: number): number {
  return numberFlag(`--${flag}`, text, { least, most: largest, fraction: true });
}

/** Throws UsageError. */
export function fineTuningRun(values: Values): FineTuningRun {
  const { encoder, data = [], out, threads } = values;
  if (out === undefined) throw new UsageError('--out DIR is missing. See --fine-tune all --help.');
  if (data.length === 0) throw new UsageError('--data DIR is missing. See --fine-tune all --help.');
  for (const folder of data) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    throw new UsageError(
      `--data ${folder} is no folder. Name the one that holds the captions and the images.`,
    );
  }
  if (encoder === undefined || !statSync(encoder, { throwIfNoEntry: false })?.isFile()) {
    throw new UsageError(
      `--encoder ${encoder ?? ''} is no file. Name weights that convert --inception or --fine-tune has written.`,
    );
  }
  return {
    encoderFile: encoder,
    data,
    out,
    resume: values.resume,
    force: values.force,
    cache: values.cache,
    threads: threadsFlag(threads),
    prefer: choiceFlag('--device', values.device, ['auto', 'webgpu', 'cpu']),
    checkpointMinutes: fraction('checkpoint-minutes', values['checkpoint-minutes'], 0.01, 1e6),
  };
}

/** Throws UsageError. */
export function fineTuningSettings(values: Values): FineTuningSettings {
  const names = stages.map(({ name }) => name);
  const first = choiceFlag('--fine-tune', values['fine-tune'] ?? '', ['all', ...names]);
  const outputs = values.outputs.split(',').map((name) => choiceFlag('--outputs', name.trim(), names));
  const augmentation = {
    flip: values.flip,
    crop: fraction('crop', values.crop, 0.1, 1),
    colour: fraction('colour', values.colour, 0, 0.9),
  };
  const begin = first === 'all' ? names[0] : first;
  const unread = outputs.find((name) => names.indexOf(name) < names.indexOf(begin));
  if (unread !== undefined) {
    throw new UsageError(
      `--outputs ${unread} lies below ${begin}, where --fine-tune begins. Name stages from there up.`,
    );
  }
  const varied = augmentation.flip || augmentation.crop < 1 || augmentation.colour > 0;
  if (varied && begin !== names[0]) {
    throw new UsageError(
      `--flip, --crop and --colour vary the images, but what the stages below ${begin} make of them is computed once. Leave them away, or train all.`,
    );
  }
  return {
    first: begin,
    outputs: names.filter((name) => outputs.includes(name)),
    objective: choiceFlag('--objective', values.objective, ['words']),
    words: whole('words', values.words),
    imageSide: numberFlag('--image-side', values['image-side'], { least: 75, most: 4096 }),
    reduceTo: whole('reduce-to', values['reduce-to'], 0) || null,
    augmentation,
    epochs: whole('epochs', values.epochs),
    steps: values.steps === undefined ? null : whole('steps', values.steps),
    batchImages: whole('batch-images', values['batch-images']),
    accumulate: whole('accumulate', values.accumulate),
    encoderRate: fraction('encoder-rate', values['encoder-rate'], 0, 100),
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
