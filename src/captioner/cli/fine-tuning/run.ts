import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { requestDevice } from '../../../kernels/request-device.ts';
import { readSafetensors } from '../../../nn/formats/safetensors.ts';
import type { CaptionedImage } from '../../data/captioned-image.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { EncoderTrainer } from '../../training/encoder/encoder-trainer.ts';
import { WordTargets } from '../../training/encoder/word-targets.ts';
import { UsageError } from '../arguments.ts';
import { reasonOf } from '../files.ts';
import { type Terminal, usable } from '../terminal.ts';
import { checkpointFile } from '../training/checkpoint.ts';
import { resumedConfig } from '../training/config-file.ts';
import { hashOfData } from '../training/data-hash.ts';
import type { EarlierModel } from '../training/earlier-model.ts';
import { lockFolder } from '../training/folder-lock.ts';
import type { Progress } from '../training/run-page.ts';
import { openSets } from '../training/training-data.ts';
import { build, type Targets } from './build.ts';
import { type FineTuningCheckpoint, type FineTuningState, loadCheckpoint } from './checkpoint.ts';
import { Course, type CourseParts } from './course.ts';
import { openInputs } from './encoder-inputs.ts';
import { writeReport } from './report.ts';
import { writeResults } from './results.ts';
import type { FineTuningRun } from './run-settings.ts';
import { type FineTuningSettings, trainsFor } from './settings.ts';
import { readTeachers } from './teacher-features.ts';
import { type TunedImages, tunedImages } from './tuned-images.ts';

/** Fine-tunes an encoder, or goes on with it, as the command line says; `model` is that of --from. */
export async function fineTune(
  run: FineTuningRun,
  fresh: FineTuningSettings,
  model: EarlierModel | null,
  terminal: Terminal,
): Promise<void> {
  const held = [checkpointFile, 'encoder.safetensors', 'config.json'].find((name) =>
    existsSync(join(run.out, name)),
  );
  if (held !== undefined && !run.resume && !run.force) {
    throw new UsageError(
      `--out ${run.out} holds ${held} already. Name another folder, go on with --resume, or overwrite it with --force.`,
    );
  }
  const unlock = await lockFolder(run.out);
  try {
    await fineTuneInto(run, fresh, model, terminal);
  } finally {
    unlock();
  }
}

async function fineTuneInto(
  run: FineTuningRun,
  fresh: FineTuningSettings,
  earlier: EarlierModel | null,
  terminal: Terminal,
): Promise<void> {
  const checkpoint = run.resume ? await loadCheckpoint(run.out) : null;
  const known = checkpoint?.state.settings ?? fresh;
  const settings = { ...known, epochs: run.epochs ?? known.epochs, steps: run.steps ?? known.steps };
  const encoderFile =
    run.encoderFile ??
    checkpoint?.state.encoderFile ??
    join(run.from ?? '', earlier?.config.encoder.weights ?? '');
  const teachers = run.teachers.length > 0 ? run.teachers : (checkpoint?.state.teachers ?? []);
  const [encoderBytes, ...teacherBytes] = await usable(() =>
    Promise.all([encoderFile, ...teachers].map(readInput)),
  );
  const encoder = await usable(() => ({
    file: encoderFile,
    weights: readSafetensors(encoderBytes, encoderFile).weights,
  }));
  const sets = await usable(() =>
    openSets(run.data, { seed: settings.seed, heldOut: settings.heldOut }, terminal),
  );
  const images = tunedImages(sets, settings);
  const hashes = {
    data: await hashOfData(sets),
    encoder: hashOf([encoderBytes]),
    teachers: hashOf(teacherBytes),
  };
  if (checkpoint)
    checkSame(checkpoint, hashes, {
      data: run.data.join(', '),
      encoder: encoderFile,
      teachers: teachers.join(', '),
    });
  const model = checkpoint ? checkpoint.state.model : earlier && modelOf(earlier);
  const targets = await usable(() => targetsOf(settings, images, checkpoint, model, earlier, teachers));
  const state: FineTuningState = checkpoint
    ? { ...checkpoint.state, settings, config: resumedConfig(checkpoint.state.config, run.config) }
    : {
        ...{ settings, words: targets.words?.words ?? [], model, config: run.config },
        ...{ encoderFile, teachers, hashes },
        before: await earlierReport(encoderFile),
        modelBefore: earlier?.report ?? null,
        ...{ step: 0, history: [], epochSteps: 0, lossSum: 0, seconds: 0, samples: [] },
      };
  const device = await usable(() => requestDevice({ prefer: run.prefer, threads: run.threads }));
  terminal.say(`device: ${device.description}`);
  try {
    const trained = await usable(() => build(device, settings, encoder, images.images, targets));
    checkpoint?.apply(trained);
    const inputs = await openInputs(device, run, settings, encoder, sets, images.images);
    try {
      const { outputs, clipNorm, batchImages } = settings;
      const { model: network, groups, average } = trained;
      const trainer = new EncoderTrainer({ model: network, outputs, groups, average, clipNorm });
      const parts = {
        ...images,
        run,
        settings,
        device,
        sets,
        targets,
        trained,
        trainer,
        inputs,
        batchImages,
      };
      const last = await goThrough({ ...parts, terminal }, run, state);
      if (!last) return;
      await writeResults(run.out, last, trained, encoder.weights);
      tellResults(run.out, model, terminal);
    } finally {
      await inputs.close();
    }
  } finally {
    device.destroy();
  }
}

/** Trains to the end; resolves to the last state, or to null where a signal ended it. */
function goThrough(
  parts: Omit<CourseParts, 'report'>,
  run: FineTuningRun,
  state: FineTuningState,
): Promise<FineTuningState | null> {
  const { images, trainCount, targets, device, terminal } = parts;
  const measured = images.length - trainCount;
  const words = targets.words ? `; ${targets.words.words.length} words` : '';
  terminal.say(`${trainCount} images to train on, ${measured} to measure${words}`);
  const facts = { device: device.description, images: { train: trainCount, dev: measured } };
  const report = (latest: FineTuningState, progress: Progress) => writeReport(run, facts, latest, progress);
  return new Course({ ...parts, report }, state).run();
}

function tellResults(out: string, model: FineTuningState['model'], terminal: Terminal): void {
  if (model?.config.unsureBelow !== undefined) {
    terminal.say('unsureBelow was chosen for the model before and is left out; choose it anew by evaluate');
  }
  terminal.print(model ? `the model is in ${out}` : `the encoder is in ${join(out, 'encoder.safetensors')}`);
}

async function readInput(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new UsageError(`${file} ${reasonOf(error)}. Name it with --encoder or --teacher.`);
  }
}

/** SHA-256 of some files together, in hexadecimal digits. */
function hashOf(files: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const bytes of files) hash.update(bytes);
  return hash.digest('hex');
}

function checkSame(
  { state }: FineTuningCheckpoint,
  hashes: FineTuningState['hashes'],
  given: Readonly<Record<keyof FineTuningState['hashes'], string>>,
): void {
  for (const [name, what] of [
    ['data', 'captions, images or their sizes differ'],
    ['encoder', 'it is another file'],
    ['teachers', 'they are other files'],
  ] as const) {
    if (state.hashes[name] === hashes[name]) continue;
    throw new UsageError(
      `--resume: ${given[name]} is not what the fine-tuning began with: ${what}. Give the same, or begin anew.`,
    );
  }
}

function modelOf({ config, tokenizer }: EarlierModel): FineTuningState['model'] {
  return { config, tokenizer: tokenizer.toJSON() };
}

async function targetsOf(
  settings: FineTuningSettings,
  { images, trainCount }: TunedImages,
  checkpoint: FineTuningCheckpoint | null,
  model: FineTuningState['model'],
  earlier: EarlierModel | null,
  teachers: readonly string[],
): Promise<Targets> {
  return {
    words: trainsFor(settings, 'words')
      ? wordsOf(
          images.map(({ image, written }) => ({ image, captions: [...written] })),
          trainCount,
          checkpoint?.state.words ?? settings.words,
        )
      : null,
    captions: model && {
      config: model.config,
      tokenizer: Tokenizer.fromJSON(model.tokenizer),
      decoder: earlier && { weights: earlier.weights, file: earlier.file },
    },
    features: trainsFor(settings, 'features') ? await readTeachers(teachers, images) : null,
  };
}

/** The words, those that are given or so many of the training images' commonest, and their shares in all images. */
function wordsOf(
  records: readonly CaptionedImage[],
  trainCount: number,
  given: readonly string[] | number,
): Targets['words'] {
  const targets =
    typeof given === 'number'
      ? WordTargets.commonest(records.slice(0, trainCount), given)
      : new WordTargets(given);
  return { words: targets.words, shares: targets.rows(records) };
}

/** What tells how the encoder was fine-tuned before, or null. */
async function earlierReport(encoderFile: string): Promise<unknown> {
  const file = join(dirname(encoderFile), 'fine-tuning.json');
  return existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : null;
}
