import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { EkphrasisError } from '../../kernels/op/errors.ts';
import { requestDevice } from '../../kernels/request-device.ts';
import { readSafetensors } from '../../nn/formats/safetensors.ts';
import { Encoder } from '../encoder/encoder.ts';
import { decodeImage } from '../images/decode-image.ts';
import { readImageFile } from './files.ts';
import { messageOf } from './terminal.ts';
import type { FeatureJob, FeatureReply, FeatureSettings } from './training/feature-cache.ts';

/**
 * A thread that computes features: takes lists of images, gives back their rows, one list at a time. Its device is one
 * thread, for there are as many of these as there are to be threads.
 */
const settings = workerData as FeatureSettings;
const port = parentPort;
if (!port) throw new Error('feature-worker.js is a part of train.js; run that instead');

const device = await requestDevice({ prefer: settings.device, threads: 1 });
const weights = readSafetensors(await readFile(settings.encoderFile), settings.encoderFile).weights;
const encoder = new Encoder(device, weights, settings.encoder);

port.on('message', async (job: FeatureJob) => {
  try {
    const rows: Float32Array[] = [];
    for (const image of job.images) {
      const features = encoder.features(
        decodeImage(await readImageFile(join(settings.folder, image)), image),
      );
      const row = (await features.data()) as Float32Array;
      if (!row.every(Number.isFinite))
        throw new EkphrasisError(
          `${image}: the encoder ${settings.encoderFile} makes features of it that are no numbers; get an intact copy of the encoder`,
        );
      rows.push(row);
      features.dispose();
      port.postMessage({ kind: 'image', chunk: job.chunk } satisfies FeatureReply);
    }
    const data = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
    let offset = 0;
    for (const row of rows) {
      data.set(row, offset);
      offset += row.length;
    }
    port.postMessage({ kind: 'chunk', chunk: job.chunk, data } satisfies FeatureReply, [data.buffer]);
  } catch (error) {
    port.postMessage({ kind: 'error', chunk: job.chunk, message: messageOf(error) } satisfies FeatureReply);
  }
});
