import { join } from 'node:path';
import type { Device } from '../../../kernels/device.ts';
import { writeSafetensors } from '../../../nn/formats/safetensors.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { type Criticism, type Progress, Trainer, type TrainingData } from '../../training/trainer.ts';
import { openProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import { writeWhole } from '../writing.ts';
import { bestOf, measuredSince } from './best-epoch.ts';
import { named, type Sample, saveCheckpoint, type Trained, type TrainingState } from './checkpoint.ts';
import { scoreDevSet } from './dev-scores.ts';
import type { Epoch, SetMeasures } from './epoch.ts';
import { durationText, Pace } from './pace.ts';
import type { Progress as Shown } from './run-page.ts';
import { extendedSamples } from './samples.ts';
import type { ModelSettings, RunSettings } from './settings.ts';
import { exitCodeOf, Interrupted, type SignalWatch, watchSignals } from './signals.ts';
import type { DevSet } from './training-data.ts';

/** All that a training needs, ready to begin. */
export interface CourseParts {
  readonly device: Device;
  readonly run: RunSettings;
  readonly settings: ModelSettings;
  readonly data: TrainingData & { readonly dev: readonly DevSet[] };
  /** Of self-critical training; null of teacher forcing. */
  readonly criticism: Criticism | null;
  readonly trained: Trained;
  readonly tokenizer: Tokenizer;
  readonly terminal: Terminal;
  /** Writes what there is to read of the training so far. */
  readonly report: (state: TrainingState, progress: Shown) => Promise<void>;
}

/** The way through the epochs, from wherever a state says that it stands. */
export class Course {
  readonly #parts: CourseParts;
  readonly #trainer: Trainer;
  readonly #pace: Pace;
  #state: TrainingState;
  #savedAt = 0;

  constructor(parts: CourseParts, state: TrainingState) {
    const { device, settings, trained, criticism } = parts;
    this.#parts = parts;
    this.#state = state;
    this.#pace = new Pace(settings.epochs);
    this.#trainer = new Trainer({
      device,
      decoder: trained.decoder,
      optimiser: trained.optimiser,
      schedule: settings.schedule,
      epochs: settings.epochs,
      random: trained.orderRandom,
      criticism,
    });
  }

  /** Goes through the epochs that are left. A signal saves a checkpoint and sets the process's exit code. */
  async run(): Promise<void> {
    const { run, settings, terminal, report } = this.#parts;
    const signals = watchSignals();
    try {
      // Whenever the process ends from here on, --resume finds something, and metrics that belong to it.
      await this.#save();
      await report(this.#state, 'running');
      while (this.#state.history.length < settings.epochs && !this.#patienceIsOver()) {
        await this.#epoch(signals);
      }
      await report(this.#state, 'ended');
      const best = bestOf(this.#state.history, settings.chooseBy);
      if (!best) return;
      terminal.print(`best epoch ${best.epoch}: ${measuresText(best)}; the model is in ${run.out}`);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      await this.#save();
      await report(this.#state, 'stopped');
      const { epoch, batches } = this.#state.position;
      terminal.say(
        `${error.message} in epoch ${epoch} after ${batches} batches; --resume with the same --data${run.text.length > 0 ? ', --text' : ''} and --out goes on from there`,
      );
      process.exitCode = exitCodeOf(error.signal);
    } finally {
      signals.close();
    }
  }

  #patienceIsOver(): boolean {
    const { settings, terminal } = this.#parts;
    const { history } = this.#state;
    if (measuredSince(history, settings.chooseBy) < settings.patience) return false;
    const measure = settings.chooseBy === 'loss' ? 'validation loss' : 'CIDEr';
    terminal.say(`no better ${measure} for ${settings.patience} measurements: stopping`);
    return true;
  }

  async #epoch(signals: SignalWatch): Promise<void> {
    const { run, settings, trained, terminal, report, criticism } = this.#parts;
    const { progress, learningRate } = await this.#train(signals);
    const start = performance.now();
    const { sets, samples } = await this.#measure(signals);
    const measuring = (performance.now() - start) / 1000;
    this.#pace.measured(measuring);
    const { position, seconds, history } = this.#state;
    const line: Epoch = {
      epoch: position.epoch,
      trainLoss: criticism ? null : position.sum / position.count,
      trainReward: criticism ? position.sum / position.count : null,
      ...meanOf(sets),
      learningRate,
      seconds: Math.round((seconds + measuring) * 10) / 10,
      ...(sets.length > 1 ? { sets } : {}),
    };
    this.#state = {
      ...this.#state,
      history: [...history, line],
      position: { epoch: position.epoch + 1, batches: 0, sum: 0, count: 0 },
      seconds: 0,
      order: trained.orderRandom.save(),
      samples,
    };
    terminal.say(this.#epochText(line, progress));
    if (bestOf(this.#state.history, settings.chooseBy) === line) {
      const bytes = writeSafetensors(named(await trained.decoder.save()), { encoding: settings.precision });
      await writeWhole(join(run.out, trained.decoder.config.decoder.weights), bytes);
    }
    await this.#save();
    await report(this.#state, 'running');
  }

  /** The rest of the epoch's batches. */
  async #train(signals: SignalWatch): Promise<{ progress: Progress; learningRate: number }> {
    const { data, run } = this.#parts;
    const batchSize = this.#trainer.batchSize(data);
    const { position } = this.#state;
    const total = this.#trainer.stepsPerEpoch(data);
    let progress: Progress = {
      ...position,
      total,
      learningRate: this.#trainer.learningRateAt(data, position.epoch, total),
    };
    const bar = openProgressBar(`epoch ${position.epoch}`);
    try {
      let start = performance.now();
      for await (progress of this.#trainer.epoch(data, position)) {
        const seconds = (performance.now() - start) / 1000;
        const { epoch, batches, sum, count, random } = progress;
        this.#state = {
          ...this.#state,
          position: { epoch, batches, sum, count, random },
          seconds: this.#state.seconds + seconds,
        };
        this.#pace.trained(batchSize, seconds);
        bar.update(batches, total, this.#remark(progress));
        await signals.check();
        if (performance.now() - this.#savedAt >= run.checkpointMinutes * 60_000) await this.#save();
        start = performance.now();
      }
    } finally {
      bar.close();
    }
    return { progress, learningRate: progress.learningRate };
  }

  #remark(progress: Progress): string {
    const { sum, count, learningRate } = progress;
    const name = this.#parts.criticism ? 'reward' : 'loss';
    return (
      `${name} ${(sum / count).toFixed(3)}, ${this.#speedText}, ` +
      `rate ${rateText(learningRate)}, whole run ${durationText(this.#pace.secondsLeft(progress))}`
    );
  }

  get #speedText(): string {
    return `${this.#pace.perSecond.toFixed(0)} ${this.#parts.data.features ? 'images' : 'sentences'}/s`;
  }

  #epochText(line: Epoch, progress: Progress): string {
    const { settings } = this.#parts;
    const { epoch, trainLoss, trainReward, learningRate, seconds, sets = [] } = line;
    const trainedOn =
      trainLoss === null ? `reward ${trainReward?.toFixed(4)}` : `loss ${trainLoss.toFixed(4)}`;
    const ofSets = sets.map((set) => `, of ${set.data} ${measuresText(set)}`).join('');
    const left = this.#pace.secondsLeft(progress);
    return (
      `epoch ${epoch}: ${trainedOn}, ${measuresText(line)}${ofSets}, ` +
      `rate ${rateText(learningRate)}, ${seconds.toFixed(0)} s` +
      (Number.isFinite(this.#pace.perSecond) ? `, ${this.#speedText}` : '') +
      (epoch < settings.epochs && Number.isFinite(left) ? `; at most ${durationText(left)} to go` : '')
    );
  }

  async #measure(signals: SignalWatch): Promise<{ sets: SetMeasures[]; samples: readonly Sample[] }> {
    const { device, data, settings, trained, tokenizer } = this.#parts;
    const { epoch } = this.#state.position;
    const { every } = settings.scores;
    const scored = every > 0 && epoch % every === 0;
    const { features } = data;
    const { decoder } = trained;
    const captions = new Map<string, string>();
    const sets: SetMeasures[] = [];
    for (const dev of data.dev) {
      if (dev.images.length === 0) continue;
      const devLoss = await this.#trainer.evaluate(dev.images, features, () => signals.check());
      const measures = { data: dev.path, devLoss };
      if (!scored || !features) {
        sets.push(measures);
        continue;
      }
      const model = { device, decoder, tokenizer };
      const scores = await scoreDevSet(model, features, dev, settings.scores, signals);
      for (const [image, caption] of scores.captions) captions.set(image, caption);
      sets.push({ ...measures, devCider: scores.devCider, devBleu4: scores.devBleu4 });
    }
    return { sets, samples: extendedSamples(this.#state.samples, captions, epoch) };
  }

  async #save(): Promise<void> {
    await saveCheckpoint(this.#parts.run.out, this.#state, this.#parts.trained);
    this.#savedAt = performance.now();
  }
}

const rateText = (rate: number): string => String(Number(rate.toPrecision(3)));

type Measures = Pick<Epoch, 'devLoss' | 'devCider' | 'devBleu4'>;

/** The mean over the data sets. */
function meanOf(sets: readonly SetMeasures[]): Measures {
  const mean = (name: keyof Measures) =>
    sets.reduce((sum, set) => sum + (set[name] ?? Number.NaN), 0) / sets.length;
  const devLoss = mean('devLoss');
  if (sets.some(({ devCider }) => devCider === undefined)) return { devLoss };
  return { devLoss, devCider: mean('devCider'), devBleu4: mean('devBleu4') };
}

function measuresText({ devLoss, devCider, devBleu4 }: Measures): string {
  const loss = `validation loss ${devLoss.toFixed(4)}`;
  if (devCider === undefined || devBleu4 === undefined) return loss;
  return `${loss}, CIDEr ${devCider.toFixed(4)}, BLEU-4 ${devBleu4.toFixed(4)}`;
}
