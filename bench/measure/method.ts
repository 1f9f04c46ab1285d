/** How the measuring is done. Kept with the results. */
export interface Method {
  readonly quick: boolean;
  /** Steady samples of every engine, unless its budget ends before. */
  readonly rounds: number;
  /** Runs between the first and the steady ones that are thrown away. */
  readonly warmups: number;
  /** Seconds of steady runs for one case on one engine, once it has one sample. */
  readonly budgetSeconds: number;
  /** Seconds that one run may take. What would take longer is not run. */
  readonly longestRunSeconds: number;
  /** A sample repeats runs so as to last this long, so that the read-back at its end weighs little. */
  readonly sampleMilliseconds: number;
  readonly mostRepeats: number;
  /** Whether every case has a process of its own. If not, only the first case's first runs compile everything. */
  readonly processPerCase: boolean;
}

export const fullMethod: Method = {
  quick: false,
  rounds: 15,
  warmups: 2,
  budgetSeconds: 15,
  longestRunSeconds: 60,
  sampleMilliseconds: 20,
  mostRepeats: 50,
  processPerCase: true,
};

/** For continuous integration: it is there to compare outputs, and its times are a hint. */
export const quickMethod: Method = {
  quick: true,
  rounds: 3,
  warmups: 1,
  budgetSeconds: 1,
  longestRunSeconds: 10,
  sampleMilliseconds: 5,
  mostRepeats: 10,
  processPerCase: false,
};
