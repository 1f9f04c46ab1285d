import { parentPort, workerData } from 'node:worker_threads';
import { Random } from '../../nn/random.ts';
import { augmentImage } from '../images/augment-image.ts';
import { decodeImage } from '../images/decode-image.ts';
import { readImageFile } from './files.ts';
import type { ImageJob, ImageReply, PipelineSettings } from './fine-tuning/image-pipeline.ts';
import { messageOf } from './terminal.ts';

/** A thread that decodes images and varies them: one job, one image. */
const { augmentation } = workerData as PipelineSettings;
const port = parentPort;
if (!port) throw new Error('image-worker.js is a part of train.js; run that instead');

port.on('message', async ({ number, file, seed }: ImageJob) => {
  try {
    const decoded = decodeImage(await readImageFile(file), file);
    const image = seed === null ? decoded : augmentImage(decoded, augmentation, new Random(seed));
    // A copy of its own: a small image may lie in memory that Node's buffers share.
    const data = Uint8Array.from(image.data);
    port.postMessage({ number, image: { ...image, data } } satisfies ImageReply, [data.buffer]);
  } catch (error) {
    port.postMessage({ number, message: messageOf(error) } satisfies ImageReply);
  }
});
