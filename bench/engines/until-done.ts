import { restBetweenPolls } from './platform.node.ts';

/**
 * Waits for a GPU. In Node, where Dawn would take a whole core for asking whether it is done, the thread sleeps in
 * between: our engine does so itself, and the others are to have the same.
 */
export async function untilDone<T>(done: Promise<T>): Promise<T> {
  let waiting = true;
  restBetweenPolls(() => waiting);
  try {
    return await done;
  } finally {
    waiting = false;
  }
}
