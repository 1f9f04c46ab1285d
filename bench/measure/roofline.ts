/** How near a case comes to what its device can do at all. */
import type { CaseOutcome, EngineOutcome, Roofline } from '../report/results.ts';

/** Bytes a second of a copy that works on at least as many bytes, or of the largest that was measured. */
export function bandwidthAt({ bandwidths }: Roofline, bytes: number): number {
  const fitting = bandwidths.find(({ workingSet }) => workingSet >= bytes) ?? bandwidths.at(-1);
  if (!fitting) throw new RangeError('bandwidthAt: the roofline has no bandwidth; measure one');
  return fitting.bytesPerSecond;
}

/** The higher of two measurements of one device: whatever disturbed the lower was not the device. */
export function higherRoofline(a: Roofline | null, b: Roofline | null): Roofline | null {
  if (!a || !b) return a ?? b;
  const sameSets = a.bandwidths.map(({ workingSet, bytesPerSecond }) => {
    const other = b.bandwidths.find((one) => one.workingSet === workingSet);
    return { workingSet, bytesPerSecond: Math.max(bytesPerSecond, other?.bytesPerSecond ?? 0) };
  });
  return { flops: Math.max(a.flops, b.flops), bandwidths: sameSets, method: b.method };
}

/** Seconds that the work takes at the least: what its arithmetic or its memory traffic needs, whichever is more. */
export function shortestTime(roofline: Roofline, flops: number | null, bytes: number | null): number | null {
  if (flops === null && bytes === null) return null;
  const arithmetic = (flops ?? 0) / roofline.flops;
  const traffic = bytes ? bytes / bandwidthAt(roofline, bytes) : 0;
  return Math.max(arithmetic, traffic);
}

/** Milliseconds of one run by which the speed of kernels is told: GPU time where there is one, else wall time. */
export function kernelTime(outcome: EngineOutcome): number | null {
  if (outcome.status !== 'measured') return null;
  return outcome.gpu?.median ?? outcome.steady?.median ?? null;
}

/**
 * The part of the roofline that an engine reaches in a case, 1 for all of it: max(flops / peak flops, bytes / peak
 * bandwidth) / time, after Williams, Waterman and Patterson, Roofline, 2009. Null where something of it is unknown.
 */
export function partOfRoofline(
  roofline: Roofline | null,
  { flops, bytes }: CaseOutcome,
  outcome: EngineOutcome,
): number | null {
  const time = kernelTime(outcome);
  const shortest = roofline && shortestTime(roofline, flops, bytes);
  return time === null || shortest === null ? null : (1000 * shortest) / time;
}

/** GFLOPS of an engine in a case, or null. */
export function gigaflops({ flops }: CaseOutcome, outcome: EngineOutcome): number | null {
  const time = kernelTime(outcome);
  return time === null || flops === null ? null : flops / time / 1e6;
}
