/**
 * Average precision of a ranking (Everingham et al. 2010, IJCV 88, without interpolation): the mean, over the relevant
 * items, of the precision among all that are ranked no lower. Equal scores keep the order given. NaN where nothing is
 * relevant.
 *
 *     averagePrecision([0.9, 0.8, 0.1], [true, false, true]) // (1/1 + 2/3) / 2
 */
export function averagePrecision(scores: ArrayLike<number>, relevant: ArrayLike<boolean>): number {
  const order = Array.from(scores, (_, item) => item).sort((a, b) => scores[b] - scores[a] || a - b);
  let found = 0;
  let sum = 0;
  for (const [rank, item] of order.entries()) {
    if (!relevant[item]) continue;
    found++;
    sum += found / (rank + 1);
  }
  return sum / found;
}

/**
 * Mean of the average precisions of the first `count` columns of scores [rows, columns]; a row is relevant where its target
 * is above 0. Columns without a relevant row are left out; NaN where all are.
 */
export function meanAveragePrecision(
  scores: Float32Array,
  targets: Float32Array,
  columns: number,
  count: number,
): number {
  const rows = scores.length / columns;
  const precisions: number[] = [];
  for (let column = 0; column < Math.min(count, columns); column++) {
    const pick = (values: Float32Array) =>
      Array.from({ length: rows }, (_, row) => values[row * columns + column]);
    const precision = averagePrecision(
      pick(scores),
      pick(targets).map((target) => target > 0),
    );
    if (!Number.isNaN(precision)) precisions.push(precision);
  }
  return precisions.reduce((sum, precision) => sum + precision, 0) / precisions.length;
}
