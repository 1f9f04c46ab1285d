import type { ObjectiveName } from '../../training/encoder/joint-objective.ts';

/** What was measured on the development images, with the averaged weights where there are such. */
export interface FineTuningMeasures {
  /** The weighted sum of the objectives' losses. */
  readonly devLoss: number;
  /** The loss of each, where there are several. */
  readonly devLosses?: Partial<Readonly<Record<ObjectiveName, number>>>;
  /** Of words: mean average precision of the commonest. */
  readonly devPrecision?: number;
  /** Of captions: scores of the greedy ones. */
  readonly devCider?: number;
  readonly devBleu4?: number;
  /** Of features: the part of the teacher's variance that is met, 1 − mean squared error / variance. */
  readonly devExplained?: number;
}

/** A finished epoch, or the part of one that --steps left. */
export interface FineTuningEpoch extends FineTuningMeasures {
  readonly epoch: number;
  readonly steps: number;
  readonly trainLoss: number;
  readonly seconds: number;
}
