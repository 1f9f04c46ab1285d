import { obstacleToSharing, parallelism, startThread } from '#threads';
import { KernelError, UnsupportedError } from '../../op/errors.ts';
import { BOARD_BYTES, type JobBoard, type Kernel, openJobBoard } from './job-board.ts';
import type { Thread } from './thread.ts';
import { type Assignment, type Reply, workerProgram } from './worker.ts';

/** More threads than this find too little to do in one image: its last stages have 16 tiles of rows. */
const MOST_BY_DEFAULT = 8;

/** How many threads to take where no one says: one a processor, within reason. */
export function defaultThreads(): number {
  return Math.max(1, Math.min(MOST_BY_DEFAULT, parallelism()));
}

/** Workers that share a WebAssembly memory with the thread that made them, and compute their part of its jobs. */
export class Team {
  /** The workers and the thread that has them. */
  readonly size: number;
  readonly #module: WebAssembly.Module;
  readonly #buffer: SharedArrayBuffer;
  readonly #board: JobBoard;
  #workers: Thread[] = [];

  private constructor(size: number, module: WebAssembly.Module) {
    this.size = size;
    this.#module = module;
    this.#buffer = new SharedArrayBuffer(BOARD_BYTES);
    this.#board = openJobBoard(this.#buffer, size);
  }

  /**
   * Starts `size` − 1 workers on a module and a shared memory. Throws UnsupportedError, saying why, where the platform
   * does not allow it or a worker does not start.
   */
  static async assemble(size: number, module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Team> {
    const obstacle = obstacleToSharing();
    if (obstacle) throw new UnsupportedError(obstacle);
    const team = new Team(size, module);
    try {
      await Promise.all(Array.from({ length: size - 1 }, (_, index) => team.#start(index + 1, memory)));
    } catch (error) {
      team.dismiss();
      throw error;
    }
    return team;
  }

  #start(thread: number, memory: WebAssembly.Memory): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (reason: string) => reject(new UnsupportedError(`a thread did not start: ${reason}`));
      const worker = startThread({
        program: (receive, send) => workerProgram(openJobBoard, receive, send),
        onMessage: (message) => {
          const { failure } = message as Reply;
          if (failure === null) resolve();
          else refuse(failure);
        },
        onError: refuse,
      });
      this.#workers.push(worker);
      worker.post(this.#assignment(thread, memory, 0));
    });
  }

  /**
   * Computes a kernel over `count` units of work with all threads, by pieces of `least` units or more. `kernels` are
   * this thread's own on the same memory, as the module exports them.
   */
  run(
    kernels: readonly Kernel[],
    kernel: number,
    operands: readonly number[],
    count: number,
    least: number,
  ): void {
    this.#board.post(kernel, operands, count, least);
    let whole = false;
    try {
      this.#board.work(kernels, 0);
    } finally {
      whole = this.#board.close();
    }
    if (!whole)
      throw new KernelError('a thread of the CPU device failed in a kernel: its memory was overrun');
  }

  /** Has the workers work on another memory from the next job on; one who has not heard of it yet stays away. */
  moveTo(memory: WebAssembly.Memory): void {
    const recalls = this.#board.recall();
    for (const [index, worker] of this.#workers.entries()) {
      worker.post(this.#assignment(index + 1, memory, recalls));
    }
  }

  /** Ends the workers. */
  dismiss(): void {
    this.#board.recall();
    for (const worker of this.#workers) worker.stop();
    this.#workers = [];
  }

  #assignment(thread: number, memory: WebAssembly.Memory, recalls: number): Assignment {
    return { module: this.#module, memory, board: this.#buffer, threads: this.size, thread, recalls };
  }
}
