/** The captioner in a thread of its own, for pages. */

export { CaptionerWorker, type CaptionerWorkerOptions } from './captioner/worker/captioner-worker.ts';
