/** Speeds that engines have shown on a device, to tell beforehand what would take too long. */
export class SpeedBook {
  readonly #fastest = new Map<string, number>();

  /** An engine did so many floating-point operations in so many seconds. */
  record(engine: string, group: string, flops: number, seconds: number): void {
    for (const key of [`${engine} ${group}`, engine]) {
      this.#fastest.set(key, Math.max(this.#fastest.get(key) ?? 0, flops / seconds));
    }
  }

  /**
   * Seconds that the work will take at the best speed so far in its group, else in any; null for an engine that has
   * shown none. The best, since small work is slow for reasons that large work does not have: better to try in vain,
   * which ends at the time limit, than to leave out what would have been fast enough.
   */
  estimate(engine: string, group: string, flops: number | null): number | null {
    const speed = this.#fastest.get(`${engine} ${group}`) ?? this.#fastest.get(engine);
    return flops === null || speed === undefined ? null : flops / speed;
  }
}
