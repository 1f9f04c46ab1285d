import { statSync } from 'node:fs';
import { join } from 'node:path';
import { choiceFlag, threadsFlag, UsageError } from '../arguments.ts';
import { isData } from '../data-folder.ts';
import { type Config, configOfValues } from '../training/config-file.ts';
import { fraction, type Values, whole } from './flags.ts';
import { objectiveNames } from './settings.ts';

/** Where things are and what may differ from run to run. */
export interface FineTuningRun {
  /** Undefined: the encoder of the model, or that of the fine-tuning which is resumed. */
  readonly encoderFile: string | undefined;
  /** Folder of the model whose decoder is trained along. */
  readonly from: string | undefined;
  readonly teachers: readonly string[];
  readonly data: readonly string[];
  readonly out: string;
  readonly resume: boolean;
  readonly force: boolean;
  readonly cache: string;
  readonly threads: number | undefined;
  readonly prefer: 'auto' | 'webgpu' | 'cpu';
  readonly checkpointMinutes: number;
  /** File of the page that shows how training goes. */
  readonly plot: string;
  readonly epochs: number | undefined;
  readonly steps: number | undefined;
  /** All settings as --config has them. */
  readonly config: Config;
}

/** Throws UsageError. */
export function fineTuningRun(values: Values): FineTuningRun {
  const { encoder, from, teacher = [], data = [], out, threads, epochs, steps, resume } = values;
  if (data.length === 0 || out === undefined) {
    throw new UsageError(
      `--${data.length === 0 ? 'data PATH' : 'out DIR'} is missing. See --fine-tune all --help.`,
    );
  }
  const foreign = data.find((path) => !isData(path));
  if (foreign !== undefined) {
    throw new UsageError(
      `--data ${foreign} is no folder and no file. Name the folder that holds the captions and the images, or a list of images.`,
    );
  }
  if (resume && values.force) {
    throw new UsageError('--resume goes on with a training and --force begins anew. Give one of them.');
  }
  if (!resume) checkBeginning(values, data.length);
  const missing = [
    ...(encoder === undefined ? [] : [['encoder', encoder]]),
    ...teacher.map((file) => ['teacher', file]),
  ].find(([, file]) => !statSync(file, { throwIfNoEntry: false })?.isFile());
  if (missing) {
    const advice =
      missing[0] === 'encoder'
        ? 'Name weights that convert --inception or --fine-tune has written.'
        : 'Name a safetensors file with the features of the images.';
    throw new UsageError(`--${missing[0]} ${missing[1]} is no file. ${advice}`);
  }
  return {
    encoderFile: encoder,
    from,
    teachers: teacher,
    data,
    out,
    resume,
    force: values.force,
    cache: values.cache,
    threads: threadsFlag(threads),
    prefer: choiceFlag('--device', values.device, ['auto', 'webgpu', 'cpu']),
    checkpointMinutes: fraction('checkpoint-minutes', values['checkpoint-minutes'], 0, 1e6),
    plot: values.plot ?? join(out, 'training.html'),
    epochs: epochs === undefined ? undefined : whole('epochs', epochs),
    steps: steps === undefined ? undefined : whole('steps', steps),
    config: configOfValues(values),
  };
}

/** What a new fine-tuning needs for its objectives, and what does not belong to them. */
function checkBeginning(values: Values, sets: number): void {
  const names = objectiveNames(values);
  const teachers = values.teacher?.length ?? 0;
  const weights = values['data-weight']?.length ?? 0;
  if (names.includes('captions') !== (values.from !== undefined)) {
    throw new UsageError(
      values.from === undefined
        ? '--objective captions trains a decoder along: name the folder of a model that has one with --from.'
        : `--from ${values.from} is for --objective captions, and the objective is ${values.objective}. Leave it away, or add captions.`,
    );
  }
  if (names.includes('features') ? teachers !== sets : teachers > 0) {
    throw new UsageError(
      names.includes('features')
        ? `--objective features: --teacher is given ${teachers} times for ${sets} data sets. Give one file for each, in their order.`
        : `--teacher is for --objective features, and the objective is ${values.objective}. Leave it away, or add features.`,
    );
  }
  if (weights !== 0 && weights !== sets) {
    throw new UsageError(
      `--data-weight is given ${weights} times for ${sets} data sets. Give one for each, in their order, or none.`,
    );
  }
  if (values.encoder === undefined && values.from === undefined) {
    throw new UsageError(
      '--encoder FILE is missing. Name weights that convert --inception or --fine-tune has written.',
    );
  }
}
