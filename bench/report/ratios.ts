/** Times of two engines in one case, as one number. */
import type { CaseOutcome, EngineOutcome } from './results.ts';

/** Our engines' names begin so. */
export const ours = 'ekphrasis';

export type Measure = 'steady' | 'first';

export const isOurs = (engine: string) => engine.split('/')[0] === ours;

export function ourOutcome({ engines }: CaseOutcome): EngineOutcome | undefined {
  return engines.find(({ engine }) => isOurs(engine));
}

/** Milliseconds of one run, or null where that was not measured. */
export function timeOf(outcome: EngineOutcome | undefined, measure: Measure): number | null {
  if (outcome?.status !== 'measured') return null;
  return measure === 'first' ? outcome.first : (outcome.steady?.median ?? null);
}

/** How many times faster ours is than `other`, by medians of wall time; null where one of them has no time. */
export function ratioTo(outcome: CaseOutcome, other: EngineOutcome, measure: Measure): number | null {
  const [own, theirs] = [timeOf(ourOutcome(outcome), measure), timeOf(other, measure)];
  return own === null || theirs === null ? null : theirs / own;
}

/** The engine by its name without the number of threads: `tfjs/wasm` of `tfjs/wasm-2`. */
export const withoutThreads = (engine: string) => engine.replace(/-\d+$/, '');
