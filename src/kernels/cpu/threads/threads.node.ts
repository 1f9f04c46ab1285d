import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Thread, ThreadSettings } from './thread.ts';

/** Why memory cannot be shared with workers, or null where it can. */
export function obstacleToSharing(): string | null {
  return null;
}

/** How many threads this process may run at a time. */
export function parallelism(): number {
  return availableParallelism();
}

/** Starts a worker. It keeps the process alive until it has sent its first message, and no longer. */
export function startThread({ program, onMessage, onError }: ThreadSettings): Thread {
  const port = `require('node:worker_threads').parentPort`;
  const source = program(
    `(listener) => ${port}.on('message', listener)`,
    `(message) => ${port}.postMessage(message)`,
  );
  const worker = new Worker(source, { eval: true });
  worker.on('message', (message) => {
    worker.unref();
    onMessage(message);
  });
  worker.on('error', (error) => onError(error.message));
  return {
    post: (message) => worker.postMessage(message),
    stop: () => void worker.terminate(),
  };
}
