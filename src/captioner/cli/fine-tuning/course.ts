import { join } from 'node:path';
import { Random } from '../../../nn/random.ts';
import { rateFactor } from '../../../nn/schedules.ts';
import { openScope } from '../../../tensor/scope.ts';
import { meanAveragePrecision } from '../../metrics/average-precision.ts';
import type { WordsObjective } from '../../training/encoder/encoder-objective.ts';
import type { EncoderBatch, EncoderTrainer } from '../../training/encoder/encoder-trainer.ts';
import { openProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import { writeAtomically } from '../training/checkpoint.ts';
import { type FineTuned, type FineTuningEpoch, type FineTuningState, saveCheckpoint } from './checkpoint.ts';
import type { EncoderInputs } from './encoder-inputs.ts';
import type { FineTuningSettings } from './settings.ts';

/** Words whose mean average precision is measured, the commonest. */
const measuredWords = 200;

const cosine = { kind: 'cosine', decay: 1, period: 1, decayAfter: 0 } as const;

export interface Course {
  readonly out: string;
  readonly settings: FineTuningSettings;
  /** The training images come first among all `count`. */
  readonly trainCount: number;
  readonly count: number;
  /** [count, words] */
  readonly targets: Float32Array;
  readonly trained: FineTuned;
  readonly trainer: EncoderTrainer;
  readonly inputs: EncoderInputs;
  readonly checkpointMinutes: number;
  readonly terminal: Terminal;
}

/** Trains to the end; resolves to the last state, or to null where a signal stopped it. */
export async function runSteps(course: Course, from: FineTuningState): Promise<FineTuningState | null> {
  const { settings, trainCount, trainer, terminal } = course;
  const imagesPerStep = settings.batchImages * settings.accumulate;
  const stepsPerEpoch = Math.max(1, Math.floor(trainCount / imagesPerStep));
  const total = settings.steps ?? settings.epochs * stepsPerEpoch;
  let state = from;
  let stopped: NodeJS.Signals | null = null;
  const stop = (signal: NodeJS.Signals): void => {
    stopped = signal;
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  let bar = openProgressBar(`epoch ${Math.floor(state.step / stepsPerEpoch) + 1}`);
  let prepared = state.step < total ? prepare(course, state.step, stepsPerEpoch) : null;
  let saved = performance.now();
  try {
    while (state.step < total) {
      const epoch = Math.floor(state.step / stepsPerEpoch);
      if (state.step % stepsPerEpoch === 0) {
        bar.close();
        bar = openProgressBar(`epoch ${epoch + 1}`);
      }
      const start = performance.now();
      const batches = await (prepared as Promise<EncoderBatch[]>);
      const { step } = state;
      prepared = step + 1 < total ? prepare(course, step + 1, stepsPerEpoch) : null;
      const factor = rateFactor({ ...cosine, warmUp: settings.warmUp }, step, total);
      const rates = {
        network: settings.encoderRate * factor,
        objective: settings.objectiveRate * factor,
      };
      const loss = await trainer.step(batches, rates, `step ${step + 1} of ${total}`);
      const seconds = state.seconds + (performance.now() - start) / 1000;
      state = { ...state, step: step + 1, lossSum: state.lossSum + loss, seconds };
      const done = ((step % stepsPerEpoch) + 1) * imagesPerStep;
      const mean = state.lossSum / ((step % stepsPerEpoch) + 1);
      bar.update(
        done,
        stepsPerEpoch * imagesPerStep,
        `loss ${mean.toFixed(5)}, ${(done / seconds).toFixed(1)} images/s`,
      );
      if (state.step % stepsPerEpoch === 0 || state.step === total) {
        bar.close();
        state = await finishEpoch(course, state, stepsPerEpoch);
        saved = Number.NEGATIVE_INFINITY;
      }
      if (stopped !== null || performance.now() - saved > course.checkpointMinutes * 60_000) {
        await saveCheckpoint(course.out, state, course.trained);
        saved = performance.now();
      }
      if (stopped !== null) {
        bar.close();
        terminal.say(`stopped at step ${state.step} of ${total}; go on with --resume`);
        process.exitCode = stopped === 'SIGINT' ? 130 : 143;
        return null;
      }
    }
    return state;
  } finally {
    bar.close();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** Writes metrics.jsonl, always all of it: whatever a killed process left, it is that of the checkpoint after a resume. */
export async function writeMetrics(folder: string, history: readonly FineTuningEpoch[]): Promise<void> {
  await writeAtomically(
    join(folder, 'metrics.jsonl'),
    history.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
}

/** The batches of a step. They depend on the seed and the step's number alone, so that a resumed run sees the same. */
async function prepare(course: Course, step: number, stepsPerEpoch: number): Promise<EncoderBatch[]> {
  const { settings, trainCount, inputs } = course;
  const { batchImages, accumulate, seed } = settings;
  const order = orderOf(trainCount, Math.floor(step / stepsPerEpoch), seed);
  const first = (step % stepsPerEpoch) * batchImages * accumulate;
  return Promise.all(
    Array.from({ length: accumulate }, async (_, part) => {
      const begin = first + part * batchImages;
      const images = order.slice(begin, begin + batchImages);
      // The high 32 bits of a seed are free: the step's number goes there.
      const variation = seed + 2 ** 32 * (1 + step * accumulate + part);
      return { images, inputs: await inputs.load(images, variation) };
    }),
  );
}

let latestOrder: { readonly key: string; readonly order: readonly number[] } | null = null;

function orderOf(count: number, epoch: number, seed: number): readonly number[] {
  const key = `${count} ${epoch} ${seed}`;
  if (latestOrder?.key !== key) {
    const random = new Random(seed);
    const order = Array.from({ length: count }, (_, image) => image);
    for (let round = 0; round <= epoch; round++) random.shuffle(order);
    latestOrder = { key, order };
  }
  return latestOrder.order;
}

async function finishEpoch(
  course: Course,
  state: FineTuningState,
  stepsPerEpoch: number,
): Promise<FineTuningState> {
  const steps = ((state.step - 1) % stepsPerEpoch) + 1;
  const { loss: devLoss, precision: devPrecision } = await measure(course);
  const line: FineTuningEpoch = {
    epoch: Math.ceil(state.step / stepsPerEpoch),
    steps,
    trainLoss: state.lossSum / steps,
    devLoss,
    devPrecision,
    seconds: Math.round(state.seconds * 10) / 10,
  };
  course.terminal.say(
    `epoch ${line.epoch}: ${steps} steps, loss ${line.trainLoss.toFixed(5)}, validation loss ${devLoss.toFixed(5)}, ` +
      `mean average precision ${devPrecision.toFixed(4)}, ${line.seconds.toFixed(0)} s`,
  );
  const history = [...state.history, line];
  await writeMetrics(course.out, history);
  return { ...state, history, lossSum: 0, seconds: 0 };
}

/** Loss and mean average precision on the development images, with the averaged weights where there are such. */
async function measure(course: Course): Promise<{ loss: number; precision: number }> {
  const { trainCount, count, settings, inputs, trainer, trained, targets } = course;
  const objective = trained.model.objective as WordsObjective;
  const words = targets.length / count;
  const scores = new Float32Array((count - trainCount) * words);
  let loss = 0;
  const restore = swapIn(trained);
  const bar = openProgressBar('measuring');
  try {
    for (let first = trainCount; first < count; first += settings.batchImages) {
      const last = Math.min(count, first + settings.batchImages);
      const images = Array.from({ length: last - first }, (_, index) => first + index);
      const put = await inputs.load(images, null);
      const opened = openScope();
      try {
        const stages = trainer.outputs(put());
        scores.set((await objective.logits(stages).data()) as Float32Array, (first - trainCount) * words);
        loss += (await objective.loss(stages, images).item()) * images.length;
      } finally {
        opened.close();
      }
      bar.update(last - trainCount, count - trainCount);
    }
  } finally {
    bar.close();
    restore();
  }
  const precision = meanAveragePrecision(scores, targets.subarray(trainCount * words), words, measuredWords);
  return { loss: loss / (count - trainCount), precision };
}

/** Puts the averages in the place of the network's weights; what it returns puts these back. */
function swapIn({ model, average }: FineTuned): () => void {
  if (!average) return () => undefined;
  const parameters = model.network.parameters();
  const kept = new Map(
    [...parameters].map(([name, parameter]) => [name, parameter.reshape(parameter.shape)]),
  );
  for (const [name, parameter] of average.averages) parameters.get(name)?.assign(parameter);
  return () => {
    for (const [name, value] of kept) {
      parameters.get(name)?.assign(value);
      value.dispose();
    }
  };
}
