import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { requestDevice } from '../../../kernels/request-device.ts';
import { Adam } from '../../../nn/optimisers/adam.ts';
import { AdamW } from '../../../nn/optimisers/adamw.ts';
import { Nadam } from '../../../nn/optimisers/nadam.ts';
import type { Optimiser } from '../../../nn/optimisers/optimiser.ts';
import { SGD } from '../../../nn/optimisers/sgd.ts';
import { Random } from '../../../nn/random.ts';
import { type CaptionerConfig, parseCaptionerConfig } from '../../config.ts';
import { Decoder } from '../../decoder/decoder.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { languageParameters } from '../../training/language-model.ts';
import { SelfCritical } from '../../training/self-critical.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import type { Criticism } from '../../training/trainer.ts';
import { UsageError } from '../arguments.ts';
import { type Terminal, usable } from '../terminal.ts';
import { copyWhole, writeWhole } from '../writing.ts';
import { checkpointFile, loadCheckpoint, type Trained, type TrainingState } from './checkpoint.ts';
import { resumedConfig } from './config-file.ts';
import { Course } from './course.ts';
import { hashOfData } from './data-hash.ts';
import { readEarlierModel } from './earlier-model.ts';
import { lockFolder } from './folder-lock.ts';
import { writeReport } from './report.ts';
import type { Progress } from './run-page.ts';
import type { ModelSettings, RunSettings } from './settings.ts';
import { openText, type TextFile } from './text.ts';
import {
  type CleanedSet,
  captionCount,
  cleanedSets,
  featuresOf,
  openSets,
  textData,
  trainingData,
} from './training-data.ts';

/** Trains, or goes on training, as the command line says. */
export async function train(run: RunSettings, fresh: ModelSettings, terminal: Terminal): Promise<void> {
  const held = [checkpointFile, 'decoder.safetensors'].find((name) => existsSync(join(run.out, name)));
  if (held !== undefined && !run.resume && !run.force) {
    throw new UsageError(
      `--out ${run.out} holds ${held} already. Name another folder, go on with --resume, or overwrite it with --force.`,
    );
  }
  const unlock = await lockFolder(run.out);
  try {
    await trainInto(run, fresh, terminal);
  } finally {
    unlock();
  }
}

async function trainInto(run: RunSettings, fresh: ModelSettings, terminal: Terminal): Promise<void> {
  const checkpoint = run.resume ? await loadCheckpoint(run.out) : null;
  const { from } = run;
  const earlier = from !== undefined && !checkpoint ? await usable(() => readEarlierModel(from)) : null;
  const known = checkpoint?.state.settings ?? fresh;
  const settings = { ...known, epochs: run.epochs ?? known.epochs, patience: run.patience ?? known.patience };
  const sets = await usable(() => openCleaned(run, settings, terminal));
  const text = await openText(run, settings);
  const dataHash = await hashOfData(sets, text);
  if (checkpoint && checkpoint.state.dataHash !== dataHash) {
    throw new UsageError(
      `--resume: ${[...run.data, ...run.text].join(', ')} is not what the training began with: captions or images differ. ` +
        `Give the same --data${text.length > 0 ? ' and --text' : ''}, or begin anew with --from.`,
    );
  }
  const tokenizer = checkpoint
    ? Tokenizer.fromJSON(checkpoint.state.tokenizer)
    : (earlier?.tokenizer ?? fitTokenizer(sets, text, settings));
  const config = await usable(() => configOf(settings, tokenizer));
  const device = await usable(() => requestDevice({ prefer: run.prefer, threads: run.threads }));
  terminal.say(`device: ${device.description}`);
  try {
    const features = await featuresOf(run, config, sets, device);
    const pictured = trainingData(sets, settings.dataWeights, tokenizer, features);
    const data = text.length > 0 ? { ...textData(text, tokenizer), dev: pictured.dev } : pictured;
    const trained = build(device, config, settings);
    if (checkpoint) checkpoint.apply(trained);
    else if (earlier) trained.decoder.load(earlier.weights, earlier.file);
    else trained.decoder.features.fit(...trainingRows(features, pictured.train.length));
    const images = {
      train: pictured.train.length,
      dev: data.dev.reduce((sum, { images }) => sum + images.length, 0),
    };
    const captions = captionCount(sets.flatMap(({ train }) => train));
    const learnt =
      text.length > 0
        ? `${data.train.length} sentences of text`
        : `${images.train} images, ${captions} captions`;
    terminal.say(`${learnt}, ${tokenizer.size} word ids; choosing by ${images.dev} images`);
    await prepareFolder(run, config, tokenizer);
    const state: TrainingState = checkpoint
      ? { ...checkpoint.state, settings, config: resumedConfig(checkpoint.state.config, run.config) }
      : {
          settings,
          tokenizer: tokenizer.toJSON(),
          history: [],
          before: earlier?.report ?? null,
          config: run.config,
          dataHash,
          position: { epoch: 1, batches: 0, sum: 0, count: 0 },
          seconds: 0,
          order: trained.orderRandom.save(),
          samples: [],
        };
    const facts = {
      device: device.description,
      images,
      text: text.map(({ path, sentences }) => ({ path, sentences: sentences.length })),
      wordIds: tokenizer.size,
      sets: sets.map(({ path, set, train, dev }) => ({
        path,
        layout: set.layout,
        train: train.length,
        dev: dev.length,
      })),
    };
    const report = (latest: TrainingState, progress: Progress) => writeReport(run, facts, latest, progress);
    const criticism = criticismOf(device, settings, tokenizer, trained, sets, config.decoder.maximumLength);
    const parts = { device, run, settings, data, trained, criticism, tokenizer, terminal, report };
    await new Course(parts, state).run();
  } finally {
    device.destroy();
  }
}

function criticismOf(
  device: Device,
  { objective, selfCritical }: ModelSettings,
  tokenizer: Tokenizer,
  { sampleRandom }: Trained,
  sets: readonly CleanedSet[],
  maximumLength: number,
): Criticism | null {
  if (objective !== 'cider') return null;
  const { samples, baseline, crossEntropy } = selfCritical;
  // Rewards count all that people wrote, whatever part of it is trained on.
  const references = sets.map(({ set, train }) => {
    const written = new Map(set.train.map((record) => [record.image, record]));
    return train.map((record) => written.get(record.image) ?? record);
  });
  const options = { samples, baseline, maximumLength };
  return {
    selfCritical: new SelfCritical(device, tokenizer, references, sampleRandom, options),
    crossEntropy,
  };
}

async function openCleaned(
  run: RunSettings,
  settings: ModelSettings,
  terminal: Terminal,
): Promise<CleanedSet[]> {
  const { seed, captions } = settings;
  if (settings.dataWeights.length > 0 && settings.dataWeights.length !== run.data.length) {
    throw new UsageError(
      `the training began with ${settings.dataWeights.length} data sets, and ${run.data.length} are given. Give the same --data.`,
    );
  }
  const sets = cleanedSets(await openSets(run.data, { seed, heldOut: captions.heldOut }, terminal), settings);
  for (const split of ['train', 'dev'] as const) {
    if (sets.some((set) => set[split].length > 0)) continue;
    throw new UsageError(
      `no caption is left ${split === 'train' ? 'to train on' : 'to choose by'} in ${run.data.join(', ')}. Raise --max-words or --num-examples.`,
    );
  }
  return sets;
}

function fitTokenizer(
  sets: readonly CleanedSet[],
  text: readonly TextFile[],
  { captions }: ModelSettings,
): Tokenizer {
  const { minimumCount, numWords, vocabulary } = captions;
  const sentences = sets.flatMap(({ train }) => train.flatMap((record) => record.captions));
  if (vocabulary === 'all') for (const file of text) for (const one of file.sentences) sentences.push(one);
  return Tokenizer.fit(sentences, { minimumCount, numWords: numWords ?? undefined });
}

function configOf(settings: ModelSettings, tokenizer: Tokenizer): CaptionerConfig {
  const config = {
    format: 'ekphrasis-captioner',
    version: 1,
    encoder: settings.encoder,
    decoder: { ...settings.decoder, vocabulary: tokenizer.size },
    tokenizer: 'tokenizer.json',
  };
  return parseCaptionerConfig(JSON.stringify(config), 'the settings');
}

/** The training images' part of the table, and its channels. */
function trainingRows(
  { data, rowShape }: FeatureTable,
  images: number,
): [rows: Float32Array, channels: number] {
  const width = rowShape.reduce((product, dimension) => product * dimension, 1);
  return [data.subarray(0, images * width), rowShape[rowShape.length - 1]];
}

function build(device: Device, config: CaptionerConfig, settings: ModelSettings): Trained {
  const dropoutRandom = new Random(settings.seed);
  const orderRandom = new Random(settings.seed + 1);
  const sampleRandom = new Random(settings.seed + 2);
  const decoder = new Decoder(device, dropoutRandom, config, settings.dropout);
  return { decoder, optimiser: optimiserOf(settings, decoder), dropoutRandom, orderRandom, sampleRandom };
}

function optimiserOf(
  { objective, optimiser, momentum, weightDecay }: ModelSettings,
  decoder: Decoder,
): Optimiser {
  const parameters = objective === 'language-model' ? languageParameters(decoder) : decoder.trainable();
  switch (optimiser) {
    case 'adam':
      return new Adam(parameters);
    case 'adamw':
      return new AdamW(parameters, { weightDecay });
    case 'nadam':
      return new Nadam(parameters);
    case 'sgd':
      return new SGD(parameters, { momentum });
  }
}

async function prepareFolder(run: RunSettings, config: CaptionerConfig, tokenizer: Tokenizer): Promise<void> {
  // A model of another configuration would not fit the new files.
  if (run.force) await rm(join(run.out, config.decoder.weights), { force: true });
  const write = (name: string, value: unknown) =>
    writeWhole(join(run.out, name), `${JSON.stringify(value, null, 1)}\n`);
  await write('config.json', config);
  await write(config.tokenizer, tokenizer.toJSON());
  const encoder = join(run.out, config.encoder.weights);
  await copyWhole(run.encoderFile, encoder);
}
