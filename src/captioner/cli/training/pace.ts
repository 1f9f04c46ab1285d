import type { Progress } from '../../training/trainer.ts';

/** Measures how fast a training goes, to tell how long it will take. */
export class Pace {
  readonly #epochs: number;
  #seconds = 0;
  #batches = 0;
  #size = 0;
  #measuring = 0;

  /** @param epochs of the whole training */
  constructor(epochs: number) {
    this.#epochs = epochs;
  }

  /** A batch of so many images, or sentences without. */
  trained(size: number, seconds: number): void {
    this.#batches++;
    this.#size += size;
    this.#seconds += seconds;
  }

  /** The time of what follows an epoch. */
  measured(seconds: number): void {
    this.#measuring = seconds;
  }

  get perSecond(): number {
    return this.#size / this.#seconds;
  }

  /** Of the whole training, should it go through all epochs. */
  secondsLeft({ epoch, batches, total }: Pick<Progress, 'epoch' | 'batches' | 'total'>): number {
    const batchesLeft = (this.#epochs - epoch + 1) * total - batches;
    const epochsToMeasure = this.#epochs - epoch + (batches < total ? 1 : 0);
    return (batchesLeft * this.#seconds) / this.#batches + epochsToMeasure * this.#measuring;
  }
}

/** A time for people: 40 s, 12 min, 3 h 05 min. */
export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90
    ? `${minutes} min`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
