/** A kernel of the WebAssembly module: its operands, then the range of its work, then the number of the thread. */
export type Kernel = (...operands: number[]) => void;

/** One job at a time, shared by the thread that posts it and the workers. */
export interface JobBoard {
  /** Opens a job: kernel number `kernel` over `count` units, to be taken by pieces of `least` or more. */
  post(kernel: number, operands: readonly number[], count: number, least: number): void;
  /** Computes pieces of the job until all are taken; `thread` is who does. */
  work(kernels: readonly Kernel[], thread: number): void;
  /** Lets no one else in and waits until those who are in have left. Returns whether none of them failed. */
  close(): boolean;
  /** Has the workers leave `serve`; between two jobs. Returns how often that was done. */
  recall(): number;
  /** A worker's life: joins every job that is posted as long as there were no more recalls than `recalls`. */
  serve(kernels: readonly Kernel[], thread: number, recalls: number): void;
}

/** Bytes of a board. */
export const BOARD_BYTES = 64 + 64 * 8;

/**
 * The board in a shared buffer, of zeros at first; `threads` is how many share its jobs.
 *
 * The poster never waits for a worker that has not come: it works itself and closes the job when no piece is left, and
 * whoever wakes later finds it closed. Pieces shrink towards the end, so that the threads finish together even where
 * one was held up.
 *
 * The text of this function is sent to the workers: it refers to nothing outside itself.
 */
export function openJobBoard(buffer: SharedArrayBuffer, threads: number): JobBoard {
  /** Words of the buffer. `STATE` counts the workers inside the job, with `OPEN` while more may come in. */
  const STATE = 0;
  const JOBS_POSTED = 1;
  const RECALLS = 2;
  const NEXT_UNIT = 3;
  const FAILED = 4;
  const KERNEL = 5;
  const COUNT = 6;
  const LEAST = 7;
  const OPERANDS = 8;
  const NEVER_CHANGES = 9;
  const OPEN = 1 << 30;
  /**
   * About half a millisecond. To sleep and be woken takes 50 µs, and between two large ops of a decoder are many small
   * ones: with a tenth of this the workers missed 14 % of its products, so 9 %.
   */
  const SPINS = 200_000;

  const words = new Int32Array(buffer, 0, 16);
  const numbers = new Float64Array(buffer, 64);
  // Blocking is forbidden to the main thread of a page, which therefore spins until the last piece is done.
  const mayBlock = (() => {
    try {
      Atomics.wait(words, NEVER_CHANGES, 1, 0);
      return true;
    } catch {
      return false;
    }
  })();

  /** Waits while a word is `value`. */
  function awaitChange(word: number, value: number): void {
    for (let spin = 0; spin < SPINS || !mayBlock; spin++) {
      if (Atomics.load(words, word) !== value) return;
    }
    Atomics.wait(words, word, value);
  }

  function enter(): boolean {
    for (;;) {
      const state = Atomics.load(words, STATE);
      if (!(state & OPEN)) return false;
      if (Atomics.compareExchange(words, STATE, state, state + 1) === state) return true;
    }
  }

  function leave(): void {
    if (Atomics.sub(words, STATE, 1) === 1) Atomics.notify(words, STATE);
  }

  function work(kernels: readonly Kernel[], thread: number): void {
    const kernel = kernels[words[KERNEL]];
    const operands = numbers.subarray(0, words[OPERANDS]);
    const count = words[COUNT];
    for (;;) {
      const from = Atomics.load(words, NEXT_UNIT);
      if (from >= count) return;
      const piece = Math.max(words[LEAST], Math.ceil((count - from) / (2 * threads)));
      const to = Math.min(count, from + piece);
      if (Atomics.compareExchange(words, NEXT_UNIT, from, to) === from) kernel(...operands, from, to, thread);
    }
  }

  return {
    post(kernel, operands, count, least) {
      words[KERNEL] = kernel;
      words[COUNT] = count;
      words[LEAST] = least;
      words[OPERANDS] = operands.length;
      words[FAILED] = 0;
      numbers.set(operands);
      Atomics.store(words, NEXT_UNIT, 0);
      Atomics.store(words, STATE, OPEN);
      Atomics.add(words, JOBS_POSTED, 1);
      Atomics.notify(words, JOBS_POSTED);
    },

    work,

    close() {
      Atomics.and(words, STATE, ~OPEN);
      for (;;) {
        const inside = Atomics.load(words, STATE);
        if (inside === 0) return Atomics.load(words, FAILED) === 0;
        awaitChange(STATE, inside);
      }
    },

    recall() {
      const before = Atomics.add(words, RECALLS, 1);
      Atomics.add(words, JOBS_POSTED, 1);
      Atomics.notify(words, JOBS_POSTED);
      return before + 1;
    },

    serve(kernels, thread, recalls) {
      for (;;) {
        const posted = Atomics.load(words, JOBS_POSTED);
        const joined = enter();
        // Looked at inside the job: there are no recalls while one is open.
        const recalled = Atomics.load(words, RECALLS) !== recalls;
        if (joined) {
          try {
            if (!recalled) work(kernels, thread);
          } catch {
            Atomics.store(words, FAILED, 1);
          }
          leave();
        }
        if (recalled) return;
        awaitChange(JOBS_POSTED, posted);
      }
    },
  };
}
