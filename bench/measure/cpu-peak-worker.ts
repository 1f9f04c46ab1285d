/** One thread of the processor's peak, in Node. */
import { parentPort } from 'node:worker_threads';
import { answerPeak, type PeakRequest } from './peak-loops.ts';

parentPort?.on('message', (request: PeakRequest) => parentPort?.postMessage(answerPeak(request)));
