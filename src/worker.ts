/** The captioner in a thread of its own, for pages. */

export { drawHeatMap } from './captioner/heat-map.ts';
export { clearModelCache } from './captioner/sources/model-cache.ts';
export { CaptionerWorker, type CaptionerWorkerOptions } from './captioner/worker/captioner-worker.ts';
export type { MeasuredCaption } from './captioner/worker/messages.ts';
