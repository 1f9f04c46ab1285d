/** What a run of the benchmark leaves, as plain data: the file that `--json` writes and all reports are made from. */

import type { Method } from '../measure/method.ts';
import type { Summary } from '../measure/statistics.ts';

export const resultsFormat = 'ekphrasis-benchmark';
export const resultsVersion = 1;

/** Times are in milliseconds of one run. */
export interface MeasuredTimes {
  /** From the numbers in memory to operands on the device. */
  readonly prepare: number;
  /** The first run until its result could be read: all compilation included. */
  readonly first: number;
  /** Wall time of the later runs, or null where the budget allowed none. */
  readonly steady: Summary | null;
  /** Runs that one sample is the mean of. */
  readonly repeats: number;
  /** GPU time by timestamp queries, where the engine offers it. */
  readonly gpu: Summary | null;
}

export type EngineOutcome = { readonly engine: string } & (
  | ({ readonly status: 'measured' } & MeasuredTimes)
  /** The engine has no such operation. */
  | { readonly status: 'lacks' }
  /** One run would take this long, or took longer than this, which is more than the budget. */
  | { readonly status: 'not-run'; readonly seconds: number; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string }
  /** It ran, but the case failed, so its times do not count. */
  | { readonly status: 'void' }
);

export interface CaseOutcome {
  readonly name: string;
  readonly group: string;
  readonly flops: number | null;
  readonly bytes: number | null;
  readonly tolerance: number;
  /** The largest difference that any engine's outputs had from the reference's, or null where nothing was compared. */
  readonly difference: number | null;
  /** Why the engines' outputs do not agree, or null. */
  readonly mismatch: string | null;
  readonly engines: readonly EngineOutcome[];
  /** When, and at which commit of this repository (`+` for uncommitted changes), it was measured. */
  readonly date: string;
  readonly commit: string | null;
}

/** What the device reaches where nothing else stands in its way. */
export interface Roofline {
  /** Floating-point operations a second, float32. */
  readonly flops: number;
  /** Bytes read and written a second by a copy, by the bytes that it works on; ascending. */
  readonly bandwidths: readonly { readonly workingSet: number; readonly bytesPerSecond: number }[];
  /** How both were measured. */
  readonly method: string;
}

export interface DeviceOutcome {
  /** `lavapipe`, `swiftshader`, `system`, `cpu-2` (threads), `chromium-webgpu` … */
  readonly device: string;
  readonly kind: 'webgpu' | 'cpu';
  readonly threads: number | null;
  /** Adapter and driver, or processor and threads, for people. */
  readonly description: string;
  /** Whether the adapter is a program on the processor. */
  readonly software: boolean;
  readonly roofline: Roofline | null;
  readonly engines: readonly { readonly name: string; readonly description: string }[];
  readonly cases: readonly CaseOutcome[];
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
}

export interface Results {
  readonly format: typeof resultsFormat;
  readonly version: typeof resultsVersion;
  readonly date: string;
  readonly commit: string | null;
  readonly machine: Machine;
  readonly packages: Readonly<Record<string, string>>;
  readonly method: Method;
  readonly devices: readonly DeviceOutcome[];
}
