import type { Kernel, openJobBoard } from './job-board.ts';

/** What a worker is to work on. A later message takes the place of an earlier one. */
export interface Assignment {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly board: SharedArrayBuffer;
  /** How many share the jobs, and which of them this worker is; the thread that posts the jobs is number 0. */
  readonly threads: number;
  readonly thread: number;
  /** How often the workers had been recalled when this was sent. */
  readonly recalls: number;
}

/** Null once the worker is ready, else why it cannot work. */
export type Reply = { readonly failure: string | null };

type OpenJobBoard = typeof openJobBoard;

/** What a worker runs. Its text is sent there: it refers to nothing outside itself. */
function work(
  openBoard: OpenJobBoard,
  receive: (listener: (assignment: Assignment) => void) => void,
  send: (reply: Reply) => void,
): void {
  receive(({ module, memory, board, threads, thread, recalls }) => {
    try {
      const { exports } = new WebAssembly.Instance(module, { env: { memory } });
      send({ failure: null });
      openBoard(board, threads).serve(Object.values(exports) as Kernel[], thread, recalls);
    } catch (error) {
      send({ failure: String(error) });
    }
  });
}

/** The program of a worker, given the platform's expressions for `receive` and `send`. */
export function workerProgram(openBoard: OpenJobBoard, receive: string, send: string): string {
  return `(${work})(${openBoard}, ${receive}, ${send});`;
}
