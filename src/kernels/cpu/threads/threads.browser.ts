import type { Thread, ThreadSettings } from './thread.ts';

/** Why memory cannot be shared with workers, or null where it can. */
export function obstacleToSharing(): string | null {
  if (globalThis.crossOriginIsolated) return null;
  return (
    'this page is not cross-origin isolated: threads need it served with the headers ' +
    'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'
  );
}

/** How many threads the browser would have a page run at a time. */
export function parallelism(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** Starts a worker. */
export function startThread({ program, onMessage, onError }: ThreadSettings): Thread {
  const source = program(
    '(listener) => addEventListener("message", ({ data }) => listener(data))',
    '(message) => postMessage(message)',
  );
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url);
  const forget = () => URL.revokeObjectURL(url);
  worker.onmessage = ({ data }) => {
    forget();
    onMessage(data);
  };
  worker.onerror = (event) => {
    forget();
    onError(event.message || 'the browser refuses workers made from a blob');
  };
  return {
    post: (message) => worker.postMessage(message),
    stop: () => worker.terminate(),
  };
}
