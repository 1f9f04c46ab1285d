import { KernelError, OutOfMemoryError } from './errors.ts';

/** Milliseconds that one run takes in a variant, as the mean of several runs in a row. */
export type Stopwatch = (variant: string, runs: number) => Promise<number>;

export interface RaceResult {
  readonly winner: string;
  /** Milliseconds of each variant: the least of its rounds; infinite where it failed. */
  readonly milliseconds: ReadonlyMap<string, number>;
  /** Why variants could not run. */
  readonly failures: ReadonlyMap<string, string>;
}

const ROUNDS = 3;
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
 * busy for a while slows all of them; what is hopelessly slow drops out. A variant that throws is out of the race; when
 * all do, so does this.
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
  let field = [...expected.keys()];
  for (let round = 0; round < ROUNDS; round++) {
    const known = round === 0 ? expected : best;
    const least = Math.min(...field.map((variant) => known.get(variant) as number));
    field = field.filter((variant) => (known.get(variant) as number) <= HOPELESS[round] * least);
    for (const variant of field) {
      const guess = Math.max(known.get(variant) as number, ROUND_MILLISECONDS / MOST_RUNS);
      const runs = Math.max(1, Math.round(ROUND_MILLISECONDS / guess));
      const taken = await time(variant, runs);
      best.set(variant, Math.min(taken, best.get(variant) ?? Number.POSITIVE_INFINITY));
    }
  }
  const milliseconds = new Map(
    variants.map((variant) => [
      variant,
      best.get(variant) ?? expected.get(variant) ?? Number.POSITIVE_INFINITY,
    ]),
  );
  const timeOf = (variant: string) => milliseconds.get(variant) as number;
  const fastest = field.reduce((one, other) => (timeOf(other) < timeOf(one) ? other : one));
  const worthwhile = timeOf(fastest) < WORTHWHILE * timeOf(variants[0]);
  return { winner: worthwhile ? fastest : variants[0], milliseconds, failures };
}
