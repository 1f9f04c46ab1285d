// Chooses a tfjs backend and loads a plain layers-model folder: shared by the scripts beside it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as wasm from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';

const require = createRequire(import.meta.url);

/** What a golden file says of its own making. */
export const source = (backend, script) => ({
  library: `@tensorflow/tfjs-core ${tf.version_core}`,
  backend,
  command: `npm ci --prefix bench && node bench/golden/${script}`,
});

/** Selects 'cpu' (plain JavaScript, sums in float64) or 'wasm' (one thread, SIMD). */
export async function useBackend(name) {
  if (name === 'wasm') {
    const folder = join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/');
    wasm.setWasmPaths(folder);
    wasm.setThreadsCount(1);
  }
  if (!(await tf.setBackend(name))) throw new Error(`tfjs cannot start its backend '${name}'`);
  await tf.ready();
}

/** The layers-model in `folder` (model.json and its shards), its weights dequantised to float32 by tfjs. */
export function loadModel(folder) {
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'));
  const bytes = Buffer.concat(
    weightsManifest.flatMap((group) => group.paths.map((path) => readFileSync(join(folder, path)))),
  );
  const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  return layers.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
}

/** The shortest decimal that reads back as the same float32. */
export function float32Decimal(value) {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return Number(value.toPrecision(9));
}
