import { readTuningText, writeTuningText } from '#tuning-store';
import type { Device, Operand } from '../device.ts';
import { EkphrasisError } from '../op/errors.ts';
import type { AdapterFacts } from '../op/op.ts';
import { elementCount, type TensorSpec } from '../op/spec.ts';
import { profileTotals } from '../profiling/profile.ts';
import {
  readTuning,
  type TunedCall,
  type TunedChoices,
  type TuningProgress,
  type TuningReport,
  tuningTarget,
  writeTuning,
} from '../profiling/tuning.ts';
import { raceVariants } from '../profiling/variant-race.ts';
import type { Executor, TunableCall, VariantChoice } from './variant-choice.ts';

/** What the tuner needs of a device. */
export type TunableDevice = Executor &
  Pick<Device, 'upload' | 'release' | 'synchronise' | 'profile'> & {
    readonly adapter: AdapterFacts;
    readonly gpu: GPUDevice;
  };

/** Choices that were kept for this adapter, and a remark on them for people. */
export interface StoredTuning {
  readonly choices: TunedChoices;
  readonly remark: string;
}

/** Never rejects: what is kept is a matter of speed, so what cannot be read is told of and done without. */
export async function storedTuning(adapter: AdapterFacts): Promise<StoredTuning> {
  const target = tuningTarget(adapter);
  let place = 'the store';
  try {
    const stored = await readTuningText(target);
    if (stored === null) return { choices: new Map(), remark: '' };
    place = stored.place;
    const choices = readTuning(stored.text, target);
    return { choices, remark: `${choices.size} tuned choices` };
  } catch (error) {
    if (!(error instanceof EkphrasisError)) throw error;
    return { choices: new Map(), remark: `without the tuned choices in ${place}: ${error.message}` };
  }
}

/**
 * Runs `body` once, times the variants of every call that it made and that has several, on operands of the tuner's own,
 * and keeps the fastest of each for this device and, in the store, for later ones on the same adapter.
 */
export async function tuneDevice(
  device: TunableDevice,
  choice: VariantChoice,
  body: () => unknown,
  progress: TuningProgress,
): Promise<TuningReport> {
  const observed = await choice.observe(async () => {
    await body();
    await device.synchronise();
  });
  const calls: TunedCall[] = [];
  const failures: string[] = [];
  for (const [key, call] of observed) {
    progress(calls.length, observed.size);
    const { winner, milliseconds, failures: failed } = await race(device, call);
    choice.adopt(key, winner);
    const [preferred] = call.variants;
    const timeOf = (variant: string) => milliseconds.get(variant) as number;
    calls.push({
      op: call.op,
      shapes: call.shapes,
      variant: winner,
      preferred,
      milliseconds: timeOf(winner),
      preferredMilliseconds: timeOf(preferred),
    });
    for (const [variant, reason] of failed) failures.push(`${call.op} (${variant}): ${reason}`);
  }
  progress(calls.length, observed.size);
  const target = tuningTarget(device.adapter);
  // Another process may have kept choices for other calls since this device was opened.
  const { choices: others } = await storedTuning(device.adapter);
  const place = await writeTuningText(target, writeTuning(new Map([...others, ...choice.tuned]), target));
  return { calls, failures, place };
}

async function race(device: TunableDevice, call: TunableCall) {
  const operands: Operand[] = [];
  try {
    for (const spec of call.inputs) operands.push({ storage: device.upload(elementsFor(spec)), spec });
    const once = (variant: string) => {
      for (const { storage } of call.run(device, operands, variant)) device.release(storage);
    };
    return await raceVariants(call.variants, async (variant, runs) => {
      const work = () => {
        for (let run = 0; run < runs; run++) once(variant);
      };
      return (await timeOf(device, work)) / runs;
    });
  } finally {
    for (const { storage } of operands) device.release(storage);
  }
}

/** By the GPU's clock where it has one, since short kernels are quicker done than recorded. */
async function timeOf(device: TunableDevice, work: () => void): Promise<number> {
  if (device.gpu.features.has('timestamp-query')) {
    const { profile } = await device.profile(work);
    return profileTotals(profile.rows).milliseconds;
  }
  await device.synchronise();
  const start = performance.now();
  work();
  await device.synchronise();
  return performance.now() - start;
}

/**
 * Indices are 0, which every table has. Other elements vary: a GPU that multiplies zeros draws less power and runs
 * faster than it will.
 */
function elementsFor({ shape, dtype }: TensorSpec): Float32Array | Int32Array {
  const count = elementCount(shape);
  if (dtype === 'int32') return new Int32Array(count);
  const elements = new Float32Array(count);
  // Multiples of the golden ratio, less their whole part, are spread evenly.
  for (let index = 0; index < count; index++) elements[index] = ((index * 0.6180339887) % 1) - 0.5;
  return elements;
}
