import { appendFile, copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { requestDevice } from '../../../kernels/request-device.ts';
import { writeSafetensors } from '../../../nn/formats/safetensors.ts';
import { Adam } from '../../../nn/optimisers/adam.ts';
import { AdamW } from '../../../nn/optimisers/adamw.ts';
import { Nadam } from '../../../nn/optimisers/nadam.ts';
import type { Optimiser } from '../../../nn/optimisers/optimiser.ts';
import { SGD } from '../../../nn/optimisers/sgd.ts';
import { Random } from '../../../nn/random.ts';
import { type CaptionerConfig, parseCaptionerConfig } from '../../config.ts';
import type { CaptionedImage } from '../../data/captioned-image.ts';
import { Decoder } from '../../decoder/decoder.ts';
import { greedyScores } from '../../evaluation/greedy-scores.ts';
import { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { SelfCritical } from '../../training/self-critical.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import { type Criticism, Trainer, type TrainingData } from '../../training/trainer.ts';
import { packageVersion } from '../files.ts';
import { openProgressBar } from '../progress-bar.ts';
import { type Terminal, usable } from '../terminal.ts';
import {
  type Epoch,
  loadCheckpoint,
  named,
  saveCheckpoint,
  type Trained,
  writeAtomically,
} from './checkpoint.ts';
import { type EarlierModel, readEarlierModel } from './earlier-model.ts';
import type { ModelSettings, RunSettings } from './settings.ts';
import {
  cleaned,
  featuresOf,
  joined,
  type OpenedSet,
  openSets,
  type ScoredSet,
  scoredSets,
  trainingData,
} from './training-data.ts';

/** Trains, or goes on training, as the command line says. */
export async function train(run: RunSettings, fresh: ModelSettings, terminal: Terminal): Promise<void> {
  const checkpoint = run.resume ? await loadCheckpoint(run.out) : null;
  const { from } = run;
  const earlier = from !== undefined && !checkpoint ? await usable(() => readEarlierModel(from)) : null;
  const known = checkpoint?.state.settings ?? fresh;
  const settings = { ...known, epochs: run.epochs ?? known.epochs, patience: run.patience ?? known.patience };
  const sets = await usable(() =>
    openSets(run.data, { seed: settings.seed, heldOut: settings.captions.heldOut }, terminal),
  );
  const records = {
    train: cleaned(joined(sets, 'train'), settings),
    dev: cleaned(joined(sets, 'dev'), settings),
  };
  const tokenizer = checkpoint
    ? Tokenizer.fromJSON(checkpoint.state.tokenizer)
    : (earlier?.tokenizer ?? fitTokenizer(records.train, settings));
  const config = await usable(() => configOf(settings, tokenizer));
  const device = await usable(() => requestDevice({ prefer: run.prefer, threads: run.threads }));
  terminal.say(`device: ${device.description}`);
  try {
    const wanted = [...records.train, ...records.dev].map(({ image }) => image);
    const features = await featuresOf(run, config, sets, wanted, device);
    const data = trainingData(records, tokenizer, features);
    const trained = build(device, config, settings);
    if (checkpoint) checkpoint.apply(trained);
    else if (earlier) trained.decoder.load(earlier.weights, earlier.file);
    else trained.decoder.features.fit(...trainingRows(features, records.train.length));
    terminal.say(
      `${records.train.length} images, ${records.train.reduce((sum, { captions }) => sum + captions.length, 0)} captions, ` +
        `${tokenizer.size} word ids; choosing by ${records.dev.length} images`,
    );
    await prepareFolder(run, config, tokenizer);
    const history = [...(checkpoint?.state.history ?? [])];
    const before = checkpoint?.state.before ?? earlier?.report ?? null;
    const scored = scoredSets(sets, records.dev, records.train.length);
    const criticism = criticismOf(device, settings, tokenizer, trained, {
      sets,
      train: records.train,
      maximumLength: config.decoder.maximumLength,
    });
    const course = {
      device,
      run,
      settings,
      data,
      scored,
      criticism,
      trained,
      tokenizer,
      history,
      before,
      terminal,
    };
    await runEpochs(course);
  } finally {
    device.destroy();
  }
}

interface Course {
  readonly device: Device;
  readonly run: RunSettings;
  readonly settings: ModelSettings;
  readonly data: TrainingData;
  readonly scored: readonly ScoredSet[];
  readonly criticism: Criticism | null;
  readonly trained: Trained;
  readonly tokenizer: Tokenizer;
  readonly history: Epoch[];
  /** How the model that training began with was trained, or null. */
  readonly before: EarlierModel['report'];
  readonly terminal: Terminal;
}

async function runEpochs(course: Course): Promise<void> {
  const { device, run, settings, data, criticism, trained, tokenizer, history, before, terminal } = course;
  const trainer = new Trainer({
    device,
    decoder: trained.decoder,
    optimiser: trained.optimiser,
    schedule: settings.schedule,
    epochs: settings.epochs,
    random: trained.orderRandom,
    criticism,
  });
  const reward = criticism !== null;
  while (history.length < settings.epochs) {
    const best = bestOf(history, reward);
    if (best && history.length - best.epoch >= settings.patience) {
      terminal.say(
        `no better ${reward ? 'CIDEr' : 'validation loss'} for ${settings.patience} epochs: stopping`,
      );
      break;
    }
    const epoch = history.length + 1;
    const start = performance.now();
    const bar = openProgressBar(`epoch ${epoch}`);
    let mean: number;
    let learningRate = 0;
    try {
      mean = await trainer.trainEpoch(data, epoch, ({ batch, batches, loss, learningRate: latest }) => {
        learningRate = latest;
        bar.update(batch, batches, `${reward ? 'reward' : 'loss'} ${loss.toFixed(3)}`);
      });
    } finally {
      bar.close();
    }
    const devLoss = await trainer.evaluate(data);
    const devCider = await meanCider(course);
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    const line: Epoch = {
      epoch,
      trainLoss: reward ? null : mean,
      trainReward: reward ? mean : null,
      devLoss,
      devCider,
      learningRate,
      seconds,
    };
    history.push(line);
    terminal.say(
      `epoch ${epoch}: ${reward ? 'reward' : 'loss'} ${mean.toFixed(4)}, validation loss ${devLoss.toFixed(4)}, ` +
        `greedy CIDEr ${devCider.toFixed(4)}, ${seconds.toFixed(0)} s`,
    );
    if (bestOf(history, reward) === line) await saveModel(run.out, trained.decoder, settings);
    await saveCheckpoint(run.out, { settings, tokenizer: tokenizer.toJSON(), history, before }, trained);
    await appendFile(join(run.out, 'metrics.jsonl'), `${JSON.stringify(line)}\n`);
    await writeAtomically(join(run.out, 'training.json'), trainingReport(course));
  }
  const best = bestOf(history, reward);
  if (best)
    terminal.print(
      `best epoch ${best.epoch}: validation loss ${best.devLoss.toFixed(4)}, greedy CIDEr ${best.devCider.toFixed(4)}; ` +
        `the model is in ${run.out}`,
    );
}

/** The epoch of the lowest validation loss, or of the highest CIDEr; the earliest of equals. */
function bestOf(history: readonly Epoch[], byCider: boolean): Epoch | undefined {
  const cost = ({ devLoss, devCider }: Epoch) => (byCider ? -devCider : devLoss);
  return history.reduce<Epoch | undefined>(
    (best, line) => (best && cost(best) <= cost(line) ? best : line),
    undefined,
  );
}

/** The mean over the data sets of the CIDEr of their development images' greedy captions. */
async function meanCider({ device, trained, tokenizer, scored, data }: Course): Promise<number> {
  let sum = 0;
  for (const { images, rows } of scored) {
    sum += (await greedyScores(device, trained.decoder, tokenizer, images, rows, data.features)).CIDEr;
  }
  return sum / scored.length;
}

function criticismOf(
  device: Device,
  { objective, selfCritical }: ModelSettings,
  tokenizer: Tokenizer,
  { sampleRandom }: Trained,
  data: { sets: readonly OpenedSet[]; train: readonly CaptionedImage[]; maximumLength: number },
): Criticism | null {
  if (objective !== 'cider') return null;
  const { samples, baseline, crossEntropy } = selfCritical;
  // Rewards count all that people wrote, whatever part of it is trained on.
  const written = new Map(joined(data.sets, 'train').map((record) => [record.image, record]));
  const references = data.train.map(({ image }) => written.get(image) as CaptionedImage);
  const rows = references.map((_, row) => row);
  const options = { samples, baseline, maximumLength: data.maximumLength };
  return {
    selfCritical: new SelfCritical(device, tokenizer, references, rows, sampleRandom, options),
    crossEntropy,
  };
}

function trainingReport({ device, settings, data, history, before, tokenizer }: Course): string {
  const report = {
    format: 'ekphrasis-training',
    version: 1,
    program: packageVersion(),
    command: ['node', 'dist/train.js', ...process.argv.slice(2)].join(' '),
    device: device.description,
    images: { train: data.train.length, dev: data.dev.length },
    wordIds: tokenizer.size,
    settings,
    epochs: history,
    best: bestOf(history, settings.objective === 'cider'),
    before,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function fitTokenizer(records: readonly CaptionedImage[], { captions }: ModelSettings): Tokenizer {
  const { minimumCount, numWords } = captions;
  const sentences = records.flatMap((record) => record.captions);
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

function optimiserOf({ optimiser, momentum, weightDecay }: ModelSettings, decoder: Decoder): Optimiser {
  const parameters = decoder.trainable();
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
  await mkdir(run.out, { recursive: true });
  const write = (name: string, value: unknown) =>
    writeAtomically(join(run.out, name), `${JSON.stringify(value, null, 1)}\n`);
  await write('config.json', config);
  await write(config.tokenizer, tokenizer.toJSON());
  const encoder = join(run.out, config.encoder.weights);
  await copyFile(run.encoderFile, `${encoder}.partial`);
  await rename(`${encoder}.partial`, encoder);
  if (!run.resume) await writeFile(join(run.out, 'metrics.jsonl'), '');
}

async function saveModel(folder: string, decoder: Decoder, { precision }: ModelSettings): Promise<void> {
  const bytes = writeSafetensors(named(await decoder.save()), { encoding: precision });
  await writeAtomically(join(folder, decoder.config.decoder.weights), bytes);
}
