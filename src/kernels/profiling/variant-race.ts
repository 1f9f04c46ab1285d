import { KernelError, OutOfMemoryError } from '../op/errors.ts';

/** Milliseconds that one run takes in a variant, as the mean of several runs in a row. */
export type Stopwatch = (variant: string, runs: number) => Promise<number>;

export interface RaceResult {
  readonly winner: string;
  /** Milliseconds of each variant: the least of its rounds; infinite where it failed. */
  readonly milliseconds: ReadonlyMap<string, number>;
  /** Why variants could not run. */
  readonly failures: ReadonlyMap<string, string>;
}

const FINAL_ROUNDS = 4;
/** Runs of a round go on for about so long, so that the clock's grain and a stray interruption count for little. */
const ROUND_MILLISECONDS = 4;
const MOST_RUNS = 32;
/**
 * A variant that takes this many times the least so far, before each round, is given up. Generous, since on a busy machine
 * one round may take three times the other.
 */
const HOPELESS = [3, 2, 1.5];
/** Less than this is noise: it takes that much to leave the preferred variant. */
const WORTHWHILE = 0.95;

/**
 * Finds the fastest of several variants, the first of which is preferred. They run in turns, so that a machine which is
 * busy for a while slows all of them; what is hopelessly slow drops out, and in the end the fastest runs against the
 * preferred one alone. A variant that throws is out of the race; when all do, so does this.
 */
export async function raceVariants(variants: readonly string[], time: Stopwatch): Promise<RaceResult> {
  const failures = new Map<string, string>();
  const expected = new Map<string, number>();
  let failure: unknown;
  for (const variant of variants) {
    try {
      // The first run compiles.
      await time(variant, 1);
      expected.set(variant, await time(variant, 1));
    } catch (error) {
      if (!(error instanceof KernelError || error instanceof OutOfMemoryError)) throw error;
      failure = error;
      failures.set(variant, error.message);
    }
  }
  if (expected.size === 0) throw failure;
  const best = new Map<string, number>();
  const runAgain = async (variant: string) => {
    const known = best.get(variant) ?? (expected.get(variant) as number);
    const runs = Math.round(ROUND_MILLISECONDS / Math.max(known, ROUND_MILLISECONDS / MOST_RUNS));
    const taken = await time(variant, Math.max(1, runs));
    best.set(variant, Math.min(taken, best.get(variant) ?? Number.POSITIVE_INFINITY));
  };
  let field = [...expected.keys()];
  for (const [round, hopeless] of HOPELESS.entries()) {
    const known = round === 0 ? expected : best;
    const least = Math.min(...field.map((variant) => known.get(variant) as number));
    field = field.filter((variant) => (known.get(variant) as number) <= hopeless * least);
    for (const variant of field) await runAgain(variant);
  }
  // What would be left for good gets as many chances again as the one that would be taken.
  const leader = field.reduce((one, other) =>
    (best.get(other) as number) < (best.get(one) as number) ? other : one,
  );
  const [preferred] = variants;
  if (leader !== preferred && expected.has(preferred)) {
    for (let round = 0; round < FINAL_ROUNDS; round++) {
      await runAgain(preferred);
      await runAgain(leader);
    }
  }
  const milliseconds = new Map(
    variants.map((variant) => [
      variant,
      best.get(variant) ?? expected.get(variant) ?? Number.POSITIVE_INFINITY,
    ]),
  );
  const timeOf = (variant: string) => milliseconds.get(variant) as number;
  const worthwhile = timeOf(leader) < WORTHWHILE * timeOf(preferred);
  return { winner: worthwhile ? leader : preferred, milliseconds, failures };
}
