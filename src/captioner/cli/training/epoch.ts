/** A finished epoch. */
export interface Epoch {
  readonly epoch: number;
  /** Mean per word, in nats; null where rewards were trained on. */
  readonly trainLoss: number | null;
  /** Mean CIDEr-D of the sentences drawn, the end word counted; null of cross-entropy. */
  readonly trainReward: number | null;
  /** Mean per word, in nats; with several data sets, the mean of theirs. */
  readonly devLoss: number;
  /** Of the last step. */
  readonly learningRate: number;
  readonly seconds: number;
  /** Of the captions of development images, where they were scored; with several data sets, the mean of theirs. */
  readonly devCider?: number;
  readonly devBleu4?: number;
  /** Of each data set, where there are several. */
  readonly sets?: readonly SetMeasures[];
}

/** What was measured on the development images of a data set. */
export interface SetMeasures {
  /** As `--data` has it. */
  readonly data: string;
  readonly devLoss: number;
  readonly devCider?: number;
  readonly devBleu4?: number;
}
