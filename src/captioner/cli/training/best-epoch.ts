import type { Epoch } from './epoch.ts';

/** What decides which epoch is the best: the lowest validation loss, or the highest CIDEr of the captions. */
export type Choice = 'loss' | 'cider';

/** The better, the lower; undefined for an epoch that was not measured so. */
function measureOf({ devLoss, devCider }: Epoch, by: Choice): number | undefined {
  if (by === 'loss') return devLoss;
  return devCider === undefined ? undefined : -devCider;
}

/** The best of the epochs that were measured, the earliest of equals. */
export function bestOf(history: readonly Epoch[], by: Choice): Epoch | undefined {
  let best: { line: Epoch; measure: number } | undefined;
  for (const line of history) {
    const measure = measureOf(line, by);
    if (measure !== undefined && !(best && best.measure <= measure)) best = { line, measure };
  }
  return best?.line;
}

/** Epochs that were measured since the best. */
export function measuredSince(history: readonly Epoch[], by: Choice): number {
  const best = bestOf(history, by);
  return history.filter((line) => best && line.epoch > best.epoch && measureOf(line, by) !== undefined)
    .length;
}
