/** How a learning rate goes on from step to step. */
export interface RateSchedule {
  /**
   * `constant` stays; `step` multiplies by `decay` every so many steps; `cosine` falls to 0 at the last step by half a
   * cosine (Loshchilov and Hutter 2017).
   */
  readonly kind: 'constant' | 'step' | 'cosine';
  /** Steps over which the rate first rises evenly to the whole; 0 for none. */
  readonly warmUp: number;
  readonly decay: number;
  /** Steps of a period of `step`. */
  readonly period: number;
  /** Periods of `step` before the first multiplication. */
  readonly decayAfter: number;
}

/**
 * What a learning rate is multiplied by at a step, counted from 0, of `total`. The warm-up takes the place of the
 * schedule's first steps, and the cosine begins after it; the periods of `step` are counted from the first step.
 */
export function rateFactor(schedule: RateSchedule, step: number, total: number): number {
  const { kind, warmUp, decay, period, decayAfter } = schedule;
  if (step < warmUp) return (step + 1) / warmUp;
  if (kind === 'constant') return 1;
  if (kind === 'step') return decay ** Math.max(0, Math.floor(step / period) + 1 - decayAfter);
  return 0.5 * (1 + Math.cos((Math.PI * (step - warmUp)) / Math.max(1, total - warmUp)));
}
