import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { requestDevice } from '../../../kernels/request-device.ts';
import { readSafetensors, writeSafetensors } from '../../../nn/formats/safetensors.ts';
import type { Weights } from '../../../nn/formats/weights.ts';
import { stageChannels } from '../../../nn/inception-v3/architecture.ts';
import { InceptionV3 } from '../../../nn/inception-v3/inception-v3.ts';
import { MovingAverage } from '../../../nn/moving-average.ts';
import { AdamW } from '../../../nn/optimisers/adamw.ts';
import { Random } from '../../../nn/random.ts';
import type { CaptionedImage } from '../../data/captioned-image.ts';
import { WordsObjective } from '../../training/encoder/encoder-objective.ts';
import { EncoderTrainer, TrainedEncoder } from '../../training/encoder/encoder-trainer.ts';
import { WordTargets } from '../../training/encoder/word-targets.ts';
import { UsageError } from '../arguments.ts';
import { packageVersion } from '../files.ts';
import { type Terminal, usable } from '../terminal.ts';
import { named, writeAtomically } from '../training/checkpoint.ts';
import { type OpenedSet, openSets } from '../training/training-data.ts';
import { type FineTuned, type FineTuningState, hasCheckpoint, loadCheckpoint } from './checkpoint.ts';
import { type Course, runSteps, writeMetrics } from './course.ts';
import { type ImagePlace, openInputs } from './encoder-inputs.ts';
import type { FineTuningRun, FineTuningSettings } from './settings.ts';

/** Fine-tunes an encoder, or goes on with it, as the command line says. */
export async function fineTune(
  run: FineTuningRun,
  fresh: FineTuningSettings,
  terminal: Terminal,
): Promise<void> {
  const checkpoint = run.resume ? await loadCheckpoint(run.out) : null;
  if (
    !run.resume &&
    !run.force &&
    (hasCheckpoint(run.out) || existsSync(join(run.out, 'encoder.safetensors')))
  ) {
    throw new UsageError(
      `--out ${run.out} holds an encoder already. Name another folder, go on with --resume, or overwrite it with --force.`,
    );
  }
  const settings = checkpoint
    ? { ...checkpoint.state.settings, epochs: fresh.epochs, steps: fresh.steps }
    : fresh;
  const weights = await usable(
    async () => readSafetensors(await readFile(run.encoderFile), run.encoderFile).weights,
  );
  const sets = await usable(() => openSets(run.data, { seed: settings.seed, heldOut: 0.1 }, terminal));
  const { records, places, trainCount } = imagesOf(sets, settings.measure);
  const targets = checkpoint
    ? new WordTargets(checkpoint.state.words)
    : WordTargets.commonest(records.slice(0, trainCount), settings.words);
  const device = await usable(() => requestDevice({ prefer: run.prefer, threads: run.threads }));
  terminal.say(`device: ${device.description}`);
  try {
    const shares = targets.rows(records);
    const trained = await build(device, settings, weights, run.encoderFile, targets.words, shares);
    checkpoint?.apply(trained);
    const inputs = await openInputs(device, run, settings, sets, places);
    await mkdir(run.out, { recursive: true });
    await writeMetrics(run.out, checkpoint?.state.history ?? []);
    terminal.say(
      `${trainCount} images to train on, ${records.length - trainCount} to measure; ${targets.words.length} words`,
    );
    const state: FineTuningState = checkpoint?.state ?? {
      settings,
      words: targets.words,
      step: 0,
      history: [],
      lossSum: 0,
      seconds: 0,
    };
    const course: Course = {
      out: run.out,
      settings,
      trainCount,
      count: records.length,
      targets: shares,
      trained,
      trainer: new EncoderTrainer({
        model: trained.model,
        outputs: settings.outputs,
        network: trained.network,
        objective: trained.objective,
        average: trained.average,
        clipNorm: settings.clipNorm,
      }),
      inputs,
      checkpointMinutes: run.checkpointMinutes,
      terminal,
    };
    try {
      const last = await runSteps(course, { ...state, settings });
      if (!last) return;
      await saveEncoder(run, last, trained, weights, { images: trainCount, device: device.description });
      terminal.print(`the encoder is in ${join(run.out, 'encoder.safetensors')}`);
    } finally {
      await inputs.close();
    }
  } finally {
    device.destroy();
  }
}

/** The training images of all sets, then at most `measured` of their development images, evenly chosen. */
function imagesOf(
  sets: readonly OpenedSet[],
  measured: number,
): { records: CaptionedImage[]; places: ImagePlace[]; trainCount: number } {
  const all = (split: 'train' | 'dev') =>
    sets.flatMap(({ set }, number) =>
      set[split].map((record) => ({ record, place: { set: number, image: record.image } })),
    );
  const [train, dev] = [all('train'), all('dev')];
  const count = Math.min(measured, dev.length);
  const chosen = Array.from({ length: count }, (_, index) => dev[Math.floor((index * dev.length) / count)]);
  const images = [...train, ...chosen];
  return {
    records: images.map(({ record }) => record),
    places: images.map(({ place }) => place),
    trainCount: train.length,
  };
}

async function build(
  device: Device,
  settings: FineTuningSettings,
  weights: Weights,
  file: string,
  words: readonly string[],
  targets: Float32Array,
): Promise<FineTuned> {
  const { first, outputs, movingAverage } = settings;
  const last = outputs[outputs.length - 1];
  const network = await usable(() => InceptionV3.fromWeights(device, weights, { first, last }, file));
  const objective = new WordsObjective(device, new Random(settings.seed), {
    channels: outputs.reduce((sum, name) => sum + (stageChannels.get(name) as number), 0),
    words: words.length,
    targets,
  });
  await continueObjective(objective, file, { words, outputs });
  const parameters = network.trainable();
  return {
    model: new TrainedEncoder(network, objective),
    network: new AdamW(parameters, { weightDecay: settings.weightDecay }),
    objective: new AdamW(objective.trainable(), { weightDecay: settings.weightDecay }),
    average: movingAverage === 0 ? null : new MovingAverage(parameters, await network.save(), movingAverage),
  };
}

/** What an objective's file tells of it; the weights fit only the same. */
interface ObjectiveFacts {
  readonly words: readonly string[];
  readonly outputs: readonly string[];
}

const objectiveFile = 'words.safetensors';

/** Loads the objective that the encoder was last trained with, where it lies beside it and is the same. */
async function continueObjective(
  objective: WordsObjective,
  encoderFile: string,
  facts: ObjectiveFacts,
): Promise<void> {
  const path = join(dirname(encoderFile), objectiveFile);
  if (!existsSync(path)) return;
  const { weights, metadata } = readSafetensors(await readFile(path), path);
  if (metadata.facts === JSON.stringify(facts)) objective.load(weights, path);
}

/** Writes the encoder: what was trained in its average, and what lies below as it was. */
async function saveEncoder(
  run: FineTuningRun,
  { settings, history, step, words }: FineTuningState,
  { model, average }: FineTuned,
  before: Weights,
  { images, device }: { images: number; device: string },
): Promise<void> {
  if (average)
    for (const [name, parameter] of model.network.parameters())
      parameter.assign(average.averages.get(name) ?? parameter);
  const trained = await model.network.toWeights();
  const below = [...before.values()].filter(({ name }) => isBelow(name, trained));
  const bytes = writeSafetensors([...below, ...named(trained)], { encoding: settings.precision });
  await writeAtomically(join(run.out, 'encoder.safetensors'), bytes);
  const facts: ObjectiveFacts = { words: words, outputs: settings.outputs };
  const objective = writeSafetensors(named(await model.objective.save()), {
    metadata: { facts: JSON.stringify(facts) },
  });
  await writeAtomically(join(run.out, objectiveFile), objective);
  const earlier = join(dirname(run.encoderFile), 'fine-tuning.json');
  const report = {
    format: 'ekphrasis-fine-tuning',
    version: 1,
    program: packageVersion(),
    node: process.version,
    command: ['node', 'dist/train.js', ...process.argv.slice(2)].join(' '),
    device,
    images,
    settings,
    steps: step,
    epochs: history,
    before: existsSync(earlier) ? JSON.parse(await readFile(earlier, 'utf8')) : null,
  };
  await writeAtomically(join(run.out, 'fine-tuning.json'), `${JSON.stringify(report, null, 2)}\n`);
}

/** Whether a weight's convolution comes before all that were trained; what lies above is of no use any more. */
function isBelow(name: string, trained: ReadonlyMap<string, unknown>): boolean {
  const numberOf = (text: string) =>
    Number(/^(?:conv2d|batch_normalization)_(\d+)\./.exec(text)?.[1] ?? Number.NaN);
  const first = Math.min(...[...trained.keys()].map(numberOf));
  return numberOf(name) < first;
}
