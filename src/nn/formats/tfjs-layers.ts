import { FormatError } from '../../kernels/op/errors.ts';
import { elementCount } from '../../kernels/op/spec.ts';
import type { JsonObject } from './json-fields.ts';
import {
  expectArray,
  expectNumber,
  expectObject,
  expectShape,
  expectText,
  isJsonObject,
  parseJsonObject,
  shown,
} from './json-fields.ts';
import type { KerasLayer, KerasModel } from './keras-model.ts';
import type { WeightArray } from './weights.ts';
import { encodedWeight } from './weights.ts';

/** Gives the bytes of one shard, by its path relative to model.json. */
export type LoadShard = (path: string) => Promise<Uint8Array>;

const bytesOfType: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  float16: 2,
  uint16: 2,
  uint8: 1,
};

/**
 * Reads a tfjs layers-model: weights in shards, each array float32 or int32, or quantised to uint8 or uint16 (with
 * scale and minimum) or to float16. Quantised weights stay so.
 * Format: tfjs-core/src/io/types.ts, `WeightsManifestConfig`.
 * @param modelJson the parsed model.json
 * @param file its name, for messages
 * @throws FormatError when it is another kind of model, or its shards do not hold what the manifest says.
 */
export async function readTfjsLayers(
  modelJson: unknown,
  loadShard: LoadShard,
  file: string,
): Promise<KerasModel> {
  const model = expectObject(modelJson, file);
  if (model.format === 'graph-model') {
    throw new FormatError(
      `${file} is a tfjs graph-model, whose layers are already fused away: give a layers-model (converted from Keras)`,
    );
  }
  if (!('weightsManifest' in model)) {
    throw new FormatError(
      `${file} has no weightsManifest, so it is not the model.json of a tfjs layers-model`,
    );
  }
  const layers = new Map<string, WeightArray[]>();
  for (const [i, entry] of expectArray(model.weightsManifest, `${file}: weightsManifest`).entries()) {
    const where = `${file}: weightsManifest[${i}]`;
    const group = expectObject(entry, where);
    const specs = expectArray(group.weights, `${where}.weights`).map((spec, k) =>
      weightSpec(spec, `${where}.weights[${k}]`),
    );
    const paths = expectArray(group.paths, `${where}.paths`).map((path) => safePath(path, `${where}.paths`));
    const bytes = await loadShards(paths, specs, loadShard, where);
    let offset = 0;
    for (const spec of specs) {
      const weight = weightFrom(spec, bytes.slice(offset, offset + spec.byteLength));
      offset += spec.byteLength;
      const layer = spec.name.split('/').slice(0, -1).join('/') || spec.name;
      layers.set(layer, [...(layers.get(layer) ?? []), weight]);
    }
  }
  return {
    file,
    ...topology(model, file),
    layers: [...layers].map(([name, weights]): KerasLayer => ({ name, weights })),
  };
}

interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly stored: 'float32' | 'int32' | 'float16' | 'uint8' | 'uint16';
  readonly scale: number;
  readonly minimum: number;
  readonly byteLength: number;
}

function weightSpec(value: unknown, where: string): WeightSpec {
  const spec = expectObject(value, where);
  const name = expectText(spec.name, `${where}.name`);
  const shape = expectShape(spec.shape, `${where}.shape`);
  const { dtype } = spec;
  if (dtype !== 'float32' && dtype !== 'int32') {
    throw new FormatError(
      `${where} (${name}) has the dtype ${shown(dtype)}, but weights are float32 or int32`,
    );
  }
  let stored: WeightSpec['stored'] = dtype;
  let scale = 1;
  let minimum = 0;
  if (spec.quantization !== undefined) {
    const quantisation = expectObject(spec.quantization, `${where}.quantization`);
    const type = quantisation.dtype;
    if (type !== 'uint8' && type !== 'uint16' && !(type === 'float16' && dtype === 'float32')) {
      throw new FormatError(
        `${where} (${name}) is quantised to ${shown(type)}, but only uint8, uint16 and (for float32) float16 can be read`,
      );
    }
    stored = type;
    if (type !== 'float16') {
      scale = expectNumber(quantisation.scale, `${where}.quantization.scale`);
      minimum = expectNumber(quantisation.min, `${where}.quantization.min`);
    }
  }
  return {
    name,
    shape,
    dtype,
    stored,
    scale,
    minimum,
    byteLength: elementCount(shape) * bytesOfType[stored],
  };
}

function safePath(value: unknown, where: string): string {
  const path = expectText(value, where);
  const parts = path.split(/[/\\]/);
  if (parts.includes('..') || parts[0] === '' || path.includes(':') || path.includes('\0')) {
    throw new FormatError(`${where} names ${shown(path)}: a shard must lie beside or below its model.json`);
  }
  return path;
}

async function loadShards(
  paths: readonly string[],
  specs: readonly WeightSpec[],
  loadShard: LoadShard,
  where: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const expected = specs.reduce((sum, spec) => sum + spec.byteLength, 0);
  const shards: Uint8Array[] = [];
  for (const path of paths) shards.push(await loadShard(path));
  const actual = shards.reduce((sum, shard) => sum + shard.byteLength, 0);
  if (actual !== expected) {
    throw new FormatError(
      `${where}: the shards ${paths.join(', ')} hold ${actual} bytes, but the weights need ${expected}: one is cut off, missing or of another model`,
    );
  }
  const bytes = new Uint8Array(expected);
  let offset = 0;
  for (const shard of shards) {
    bytes.set(shard, offset);
    offset += shard.byteLength;
  }
  return bytes;
}

function weightFrom(spec: WeightSpec, bytes: Uint8Array<ArrayBuffer>): WeightArray {
  const { name, shape, dtype, stored, scale, minimum } = spec;
  switch (stored) {
    case 'float32':
      return { name, shape, data: new Float32Array(bytes.buffer) };
    case 'int32':
      return { name, shape, data: new Int32Array(bytes.buffer) };
    case 'float16':
      return encodedWeight(name, shape, { type: stored, values: new Uint16Array(bytes.buffer) });
    case 'uint8':
    case 'uint16': {
      if (dtype === 'int32') {
        const values = stored === 'uint8' ? bytes : new Uint16Array(bytes.buffer);
        return { name, shape, data: Int32Array.from(values, (value) => Math.round(value * scale + minimum)) };
      }
      return stored === 'uint8'
        ? encodedWeight(name, shape, { type: stored, values: bytes, scale, minimum })
        : encodedWeight(name, shape, { type: stored, values: new Uint16Array(bytes.buffer), scale, minimum });
    }
  }
}

function topology(model: JsonObject, file: string): Pick<KerasModel, 'modelConfig' | 'kerasVersion'> {
  const { modelTopology } = model;
  if (!isJsonObject(modelTopology)) return {};
  const { model_config: config, keras_version: version } = modelTopology;
  const where = `${file}: modelTopology.model_config`;
  return {
    ...(config !== undefined && {
      modelConfig: typeof config === 'string' ? parseJsonObject(config, where) : expectObject(config, where),
    }),
    ...(typeof version === 'string' && { kerasVersion: version }),
  };
}
