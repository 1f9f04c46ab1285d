import { restBetweenPolls } from '#gpu';
import { DisposedError, EkphrasisError, KernelError } from '../op/errors.ts';
import { messageOf } from './pipelines.ts';

/** Whether a device is there, and those who wait for it: when it goes, they are told why. */
export class Presence {
  readonly #polled: boolean;
  readonly #waiting = new Set<(reason: EkphrasisError) => void>();
  #reason: EkphrasisError | null = null;
  #resting = false;

  /** `polled`: the device computes on the processor, which must be left free while it is waited for. */
  constructor(polled: boolean) {
    this.#polled = polled;
  }

  /** Lost or destroyed. */
  get gone(): boolean {
    return this.#reason !== null;
  }

  /** Throws the reason when nothing can be done any more. */
  check(): void {
    if (this.#reason) throw this.#reason;
  }

  /** Nothing can be done from now on. Returns whether that was news: a device that was destroyed cannot be lost. */
  leave(reason: EkphrasisError): boolean {
    if (this.#reason instanceof DisposedError) return false;
    this.#reason = reason;
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
    return true;
  }

  /** The promise, or a rejection as soon as the device is gone. */
  orGone<T>(promise: Promise<T>): Promise<T> {
    if (this.#reason) return Promise.reject(this.#reason);
    this.#rest();
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /** Mapping fails a moment before the loss of the device is announced; then the loss is the reason. */
  async explain(error: unknown): Promise<unknown> {
    if (error instanceof EkphrasisError) return error;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return this.#reason ?? new KernelError(`reading back failed: ${messageOf(error)}`, { cause: error });
  }

  #rest(): void {
    if (!this.#polled || this.#resting) return;
    this.#resting = true;
    restBetweenPolls(() => {
      this.#resting = this.#waiting.size > 0;
      return this.#resting;
    });
  }
}
