import { Random } from '../../../nn/random.ts';
import { rateFactor } from '../../../nn/schedules.ts';
import type { EncoderBatch } from '../../training/encoder/encoder-trainer.ts';
import { drawEpoch, drawnImages } from '../../training/epoch-order.ts';
import { openProgressBar, type ProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import type { Progress } from '../training/run-page.ts';
import { extendedSamples } from '../training/samples.ts';
import { exitCodeOf, Interrupted, type SignalWatch, watchSignals } from '../training/signals.ts';
import { type FineTuningState, saveCheckpoint } from './checkpoint.ts';
import type { FineTuningEpoch, FineTuningMeasures } from './epoch.ts';
import { type MeasureParts, measure } from './measure.ts';
import type { FineTuningRun } from './run-settings.ts';
import type { FineTuningSettings } from './settings.ts';

const cosine = { kind: 'cosine', decay: 1, period: 1, decayAfter: 0 } as const;

/** All that a fine-tuning needs, ready to begin. */
export interface CourseParts extends MeasureParts {
  readonly run: Pick<FineTuningRun, 'out' | 'checkpointMinutes'>;
  readonly settings: FineTuningSettings;
  readonly terminal: Terminal;
  /** Writes what there is to read of the training so far. */
  readonly report: (state: FineTuningState, progress: Progress) => Promise<void>;
}

/** The way through the steps, from wherever a state says that it stands. */
export class Course {
  readonly #parts: CourseParts;
  readonly #imagesPerStep: number;
  readonly #stepsPerEpoch: number;
  readonly #total: number;
  #state: FineTuningState;
  #savedAt = 0;
  /** The batches that were asked for last. */
  #ahead: { readonly step: number; readonly batches: Promise<EncoderBatch[]> } | null = null;
  #order: { readonly epoch: number; readonly images: readonly number[] } | null = null;

  constructor(parts: CourseParts, state: FineTuningState) {
    const { settings, draws } = parts;
    this.#parts = parts;
    this.#state = state;
    this.#imagesPerStep = settings.batchImages * settings.accumulate;
    this.#stepsPerEpoch = Math.max(1, Math.floor(drawnImages(draws) / this.#imagesPerStep));
    this.#total = settings.steps ?? settings.epochs * this.#stepsPerEpoch;
  }

  /**
   * Trains to the end; resolves to the last state, or to null where a signal ended it, which saves a checkpoint and sets
   * the process's exit code.
   */
  async run(): Promise<FineTuningState | null> {
    const { terminal, report } = this.#parts;
    const signals = watchSignals();
    try {
      // Whenever the process ends from here on, --resume finds something, and metrics that belong to it.
      await this.#save();
      await report(this.#state, 'running');
      while (this.#state.step < this.#total || this.#state.epochSteps > 0) await this.#epoch(signals);
      await report(this.#state, 'ended');
      return this.#state;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      await this.#save();
      await report(this.#state, 'stopped');
      terminal.say(
        `${error.message} at step ${this.#state.step} of ${this.#total}; --resume with the same --data and --out goes on from there`,
      );
      process.exitCode = exitCodeOf(error.signal);
      return null;
    } finally {
      signals.close();
    }
  }

  /** The rest of an epoch, and its measures. */
  async #epoch(signals: SignalWatch): Promise<void> {
    const { report, terminal } = this.#parts;
    await this.#train(signals);
    const { captions, measures } = await measure(this.#parts, signals);
    const { step, epochSteps, lossSum, seconds, history, samples } = this.#state;
    const epoch = Math.ceil(step / this.#stepsPerEpoch);
    const line: FineTuningEpoch = {
      epoch,
      steps: epochSteps,
      trainLoss: lossSum / epochSteps,
      ...measures,
      seconds: Math.round(seconds * 10) / 10,
    };
    this.#state = {
      ...this.#state,
      history: [...history, line],
      epochSteps: 0,
      lossSum: 0,
      seconds: 0,
      samples: extendedSamples(samples, captions, epoch),
    };
    terminal.say(
      `epoch ${epoch}: ${epochSteps} steps, loss ${line.trainLoss.toFixed(5)}, ${measuresText(line)}, ${seconds.toFixed(0)} s`,
    );
    await this.#save();
    await report(this.#state, 'running');
  }

  /** The steps up to the end of the epoch or of all; none where they are done and only their measures lack. */
  async #train(signals: SignalWatch): Promise<void> {
    const { run } = this.#parts;
    const begun = this.#state.step - this.#state.epochSteps;
    const epoch = Math.floor(begun / this.#stepsPerEpoch) + 1;
    const end = Math.min(this.#total, epoch * this.#stepsPerEpoch);
    const bar = openProgressBar(`epoch ${epoch}`);
    try {
      while (this.#state.step < end) {
        const start = performance.now();
        const batches = await this.#prepared(this.#state.step);
        // The next step's images are decoded and read while this one is computed.
        void this.#prepared(this.#state.step + 1);
        await this.#step(batches, start);
        this.#show(bar, end - begun);
        await signals.check();
        if (performance.now() - this.#savedAt >= run.checkpointMinutes * 60_000) await this.#save();
      }
    } finally {
      bar.close();
    }
  }

  async #step(batches: readonly EncoderBatch[], start: number): Promise<void> {
    const { settings, trainer } = this.#parts;
    const { step, epochSteps, lossSum } = this.#state;
    const factor = rateFactor({ ...cosine, warmUp: settings.warmUp }, step, this.#total);
    const loss = await trainer.step(batches, factor, `step ${step + 1} of ${this.#total}`);
    this.#state = {
      ...this.#state,
      step: step + 1,
      epochSteps: epochSteps + 1,
      lossSum: lossSum + loss,
      seconds: this.#state.seconds + (performance.now() - start) / 1000,
    };
  }

  #show(bar: ProgressBar, steps: number): void {
    const { epochSteps, lossSum, seconds } = this.#state;
    const done = epochSteps * this.#imagesPerStep;
    const remark = `loss ${(lossSum / epochSteps).toFixed(5)}, ${(done / seconds).toFixed(1)} images/s`;
    bar.update(done, steps * this.#imagesPerStep, remark);
  }

  /** The batches of a step. They depend on the seed and the step's number alone, so that a resumed run sees the same. */
  #prepared(step: number): Promise<EncoderBatch[]> {
    const { settings, inputs } = this.#parts;
    const { batchImages, accumulate, seed } = settings;
    if (this.#ahead?.step === step) return this.#ahead.batches;
    if (step >= this.#total) return Promise.resolve([]);
    const order = this.#orderOf(Math.floor(step / this.#stepsPerEpoch));
    const first = (step % this.#stepsPerEpoch) * this.#imagesPerStep;
    const batches = Promise.all(
      Array.from({ length: accumulate }, async (_, part) => {
        const begin = first + part * batchImages;
        const images = order.slice(begin, begin + batchImages);
        // The high 32 bits of a seed are free: the step's number goes there.
        const variation = seed + 2 ** 32 * (1 + step * accumulate + part);
        return { images, inputs: await inputs.load(images, variation) };
      }),
    );
    // Whoever waits for them hears of a failure; after a signal nobody does.
    batches.catch(() => undefined);
    this.#ahead = { step, batches };
    return batches;
  }

  #orderOf(epoch: number): readonly number[] {
    if (this.#order?.epoch !== epoch) {
      const { settings, trainCount, draws } = this.#parts;
      const random = new Random(settings.seed);
      const all = Array.from({ length: trainCount }, (_, image) => image);
      let images = drawEpoch(all, draws, random);
      for (let later = 1; later <= epoch; later++) images = drawEpoch(all, draws, random);
      this.#order = { epoch, images };
    }
    return this.#order.images;
  }

  async #save(): Promise<void> {
    await saveCheckpoint(this.#parts.run.out, this.#state, this.#parts.trained);
    this.#savedAt = performance.now();
  }
}

function measuresText(measures: FineTuningMeasures): string {
  const { devLoss, devLosses = {}, devPrecision, devCider, devBleu4, devExplained } = measures;
  const parts = [
    `validation loss ${devLoss.toFixed(5)}`,
    ...Object.entries(devLosses).map(([name, loss]) => `of ${name} ${loss.toFixed(5)}`),
    ...(devPrecision === undefined ? [] : [`mean average precision ${devPrecision.toFixed(4)}`]),
    ...(devCider === undefined ? [] : [`CIDEr ${devCider.toFixed(4)}, BLEU-4 ${devBleu4?.toFixed(4)}`]),
    ...(devExplained === undefined ? [] : [`variance explained ${devExplained.toFixed(4)}`]),
  ];
  return parts.join(', ');
}
