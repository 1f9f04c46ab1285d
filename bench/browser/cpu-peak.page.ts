/** One thread of the processor's peak, in a page's worker. */
import { answerPeak, type PeakRequest } from '../measure/peak-loops.ts';

self.addEventListener('message', ({ data }: MessageEvent<PeakRequest>) => self.postMessage(answerPeak(data)));
