import type { Random } from '../../nn/random.ts';

/** Consecutive images, and how often an epoch has each: a whole number, or a part of them chosen anew each time. */
export interface Draw {
  readonly images: number;
  readonly weight: number;
}

/** Images of an epoch. */
export function drawnImages(draws: readonly Draw[]): number {
  return draws.reduce((sum, { images, weight }) => sum + Math.round(images * weight), 0);
}

/**
 * The images of an epoch in a new order. With weight 2.5 each image comes twice, and a random half of them once more.
 * Where all weights are 1 the generator makes the same numbers as in a shuffle of the list.
 */
export function drawEpoch<T>(images: readonly T[], draws: readonly Draw[], random: Random): T[] {
  const drawn: T[] = [];
  let first = 0;
  for (const { images: count, weight } of draws) {
    const own = images.slice(first, first + count);
    first += count;
    for (let time = 1; time <= weight; time++) drawn.push(...own);
    const rest = Math.round(count * weight) - Math.floor(weight) * count;
    if (rest > 0) drawn.push(...random.shuffle(own).slice(0, rest));
  }
  return random.shuffle(drawn);
}
