/** What is kept of a row of samples. All in the unit of the samples. */
export interface Summary {
  readonly median: number;
  /** The quartiles: half of the samples lie between them. */
  readonly lower: number;
  readonly upper: number;
  readonly smallest: number;
  readonly samples: number;
}

/**
 * The value below which a fraction `q` of the samples lies, by linear interpolation between the order statistics
 * (method 7 of Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996). `sorted` is in ascending order.
 */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) throw new RangeError('quantile: no samples were given; give at least one');
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

/** Median and quartiles rather than mean and deviation: the noise of a shared machine has one long tail. */
export function summarise(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    lower: quantile(sorted, 0.25),
    upper: quantile(sorted, 0.75),
    smallest: quantile(sorted, 0),
    samples: sorted.length,
  };
}

/** Half the distance of the quartiles, as a part of the median: `0.03` reads ± 3 %. */
export function spread({ median, lower, upper }: Summary): number {
  return median > 0 ? (upper - lower) / (2 * median) : 0;
}

/** The mean of ratios: two and a half make one. Every ratio is above 0. */
export function geometricMean(ratios: readonly number[]): number {
  if (ratios.length === 0) throw new RangeError('geometricMean: no ratios were given; give at least one');
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}
