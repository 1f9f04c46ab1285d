/**
 * A seeded generator, so that training can be repeated and resumed: sfc32 (Doty-Humphrey, PractRand), 128 bits of
 * state, passes PractRand to 8 TB. Not for secrets.
 */
export class Random {
  #state: Uint32Array;

  constructor(seed: number) {
    this.#state = new Uint32Array([seed >>> 0, (seed / 0x100000000) >>> 0, 0x9e3779b9, 1]);
    for (let round = 0; round < 12; round++) this.next();
  }

  /** The next 32 bits. */
  next(): number {
    const state = this.#state;
    const result = (state[0] + state[1] + state[3]) >>> 0;
    state[3]++;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = state[2] + (state[2] << 3);
    state[2] = ((state[2] << 21) | (state[2] >>> 11)) + result;
    return result;
  }

  /** Uniform in [low, high), 53 bits. */
  uniform(low = 0, high = 1): number {
    const fraction = ((this.next() >>> 5) * 67108864 + (this.next() >>> 6)) / 9007199254740992;
    return low + (high - low) * fraction;
  }

  /** Uniform integer in [0, count). */
  integer(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** Normal by Box and Muller (1958). */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles in place by Fisher and Yates. */
  shuffle<T>(items: T[]): T[] {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      [items[last], items[other]] = [items[other], items[last]];
    }
    return items;
  }

  /** The state, for a checkpoint. */
  save(): number[] {
    return [...this.#state];
  }

  /** Continues from a saved state. */
  restore(state: readonly number[]): void {
    this.#state = new Uint32Array(state);
  }
}
