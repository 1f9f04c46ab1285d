import type { HostArray, Prepared } from '../workload.ts';

/** What the benchmark does with an engine's own arrays. */
export interface Arrays<T> {
  /** Waits until the array is computed, and all that was asked for before it, by reading as little of it as can be. */
  wait(array: T): Promise<void>;
  read(array: T): Promise<HostArray>;
  free(array: T): void;
  /** Milliseconds of GPU time that the work took, where the engine can tell. */
  gpuTime?(work: () => void | Promise<void>): Promise<number>;
}

/** Work on operands that lie ready. */
export interface Program<T> {
  /** Computes, or records; the outputs are the caller's, all else is freed. */
  compute(): T[] | Promise<T[]>;
  /** Frees the operands. */
  release(): void;
  /** Set where each run changes the weights: then the output is the loss [1] before the change. */
  readonly trains?: true;
}

/** A program to be run again and again. */
export function prepared<T>(arrays: Arrays<T>, program: Program<T>): Prepared {
  return timed(program.trains ? training(arrays, program) : repeated(arrays, program), arrays);
}

/** Adds the GPU's own time where the engine can tell it. */
export function timed<T>(inner: Prepared, { gpuTime }: Arrays<T>): Prepared {
  return gpuTime ? { ...inner, gpuTime: () => gpuTime(inner.run) } : inner;
}

function repeated<T>(arrays: Arrays<T>, program: Program<T>): Prepared {
  let outputs: T[] = [];
  const forget = () => {
    for (const output of outputs) arrays.free(output);
    outputs = [];
  };
  return {
    run() {
      forget();
      const computed = program.compute();
      if (Array.isArray(computed)) {
        outputs = computed;
        return undefined;
      }
      return computed.then((later) => {
        outputs = later;
      });
    },
    finish: () => arrays.wait(outputs[0]),
    outputs: () => Promise.all(outputs.map((output) => arrays.read(output))),
    dispose() {
      forget();
      program.release();
    },
  };
}

/** The outputs are the losses of the first two steps, however many were taken. */
function training<T>(arrays: Arrays<T>, program: Program<T>): Prepared {
  const first: T[] = [];
  let last: T | undefined;
  const run = async () => {
    const [loss] = await program.compute();
    if (first.length < 2) {
      first.push(loss);
    } else {
      if (last) arrays.free(last);
      last = loss;
    }
  };
  return {
    run,
    finish: () => arrays.wait(last ?? first[first.length - 1]),
    async outputs() {
      while (first.length < 2) await run();
      return Promise.all(first.map((loss) => arrays.read(loss)));
    },
    dispose() {
      for (const loss of last ? [...first, last] : first) arrays.free(loss);
      program.release();
    },
  };
}
