import { Dataset, File, Group } from 'jsfive';
import { FormatError } from '../../kernels/op/errors.ts';
import { datasetWeight } from './hdf5-dataset.ts';
import { parseJsonObject } from './json-fields.ts';
import type { KerasLayer, KerasModel } from './keras-model.ts';

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Reads a Keras 2 HDF5 file, of `model.save` (weights under `model_weights`) or of `save_weights` (weights at the
 * root). Only weights and the JSON of the architecture are read; a Lambda layer's bytecode is never run.
 * Float32 weights are views into `bytes`, so keep those unchanged while the model is in use.
 * Layout: keras/engine/saving.py of Keras 2.3, tensorflow/python/keras/saving/hdf5_format.py of TensorFlow 2.2.
 * @param file the file's name, for messages
 * @throws FormatError when the bytes are no HDF5, not of Keras, damaged, or of a layout that is not supported.
 */
export function readKerasHdf5(bytes: Uint8Array, file: string): KerasModel {
  if (signature.some((byte, i) => bytes[i] !== byte)) {
    throw new FormatError(
      `${file} is not an HDF5 file: it does not start with the HDF5 signature. Give the file that Keras saved (.h5, .hdf5)`,
    );
  }
  try {
    return readModel(bytes, file);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    // jsfive throws plain strings, and TypeErrors or RangeErrors where a damaged file leads it astray.
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/[^ -~]+/g, ' ');
    throw new FormatError(
      `${file} is a damaged or unsupported HDF5 file (${reason}): download or save it again`,
      {
        cause,
      },
    );
  }
}

function readModel(bytes: Uint8Array, file: string): KerasModel {
  const { byteOffset, byteLength } = bytes;
  const whole = byteOffset === 0 && byteLength === bytes.buffer.byteLength;
  // Not bytes.slice(): of a Node Buffer that is a view on the same buffer.
  const buffer = (
    whole ? bytes.buffer : bytes.buffer.slice(byteOffset, byteOffset + byteLength)
  ) as ArrayBuffer;
  const root = new File(buffer, file);
  const group = weightGroup(root, file);
  const layers: KerasLayer[] = [];
  for (const name of names(group, 'layer_names', file)) {
    const layer = member(group, name);
    if (!(layer instanceof Group))
      throw new FormatError(`${file}: layer ${name} has no group: the file is incomplete`);
    const weights = names(layer, 'weight_names', `${file}, layer ${name}`).map((path) => {
      const dataset = member(layer, path);
      if (dataset instanceof Dataset) return datasetWeight(dataset, buffer, path.replace(/:\d+$/, ''), file);
      throw new FormatError(
        `${file}: weight ${path} of layer ${name} has no data set: the file is incomplete`,
      );
    });
    layers.push({ name, weights });
  }
  const config = text(attributes(root).model_config);
  return {
    file,
    ...(config !== undefined && {
      modelConfig: parseJsonObject(config, `${file}: the attribute model_config`),
    }),
    kerasVersion: text(attributes(root).keras_version) ?? text(attributes(group).keras_version),
    layers,
  };
}

function weightGroup(root: Group, file: string): Group {
  const inner = root.keys.includes('model_weights') ? root.get('model_weights') : root;
  if (inner instanceof Group && attributeParts(inner, 'layer_names') !== undefined) return inner;
  if (root.keys.includes('layers') || root.keys.includes('_layer_checkpoint_dependencies')) {
    throw new FormatError(
      `${file} has the layout of Keras 3 (.weights.h5), which is not supported: load it in Keras and save the model as .h5`,
    );
  }
  const found = root.keys.slice(0, 8).join(', ') || 'nothing';
  throw new FormatError(
    `${file} is HDF5 but no Keras weight file: neither its root nor model_weights has the attribute layer_names; at its root is ${found}`,
  );
}

/** What lies at a path, or null. */
function member(group: Group, path: string): Group | Dataset | null {
  try {
    return group.get(path);
  } catch (error) {
    // jsfive throws a text where a name is missing, and an Error where the file is damaged.
    if (typeof error === 'string' && error.endsWith('not found in group')) return null;
    throw error;
  }
}

/** Strings that Keras wrote as one attribute, or, where they pass HDF5's 64 KiB, as `name0`, `name1`, … */
function attributeParts(group: Group, name: string): unknown[] | undefined {
  const found = attributes(group);
  if (name in found) return [found[name]].flat();
  const parts: unknown[] = [];
  for (let i = 0; `${name}${i}` in found; i++) parts.push(found[`${name}${i}`]);
  return parts.length ? parts.flat() : undefined;
}

/** An attribute lies in an object header message, whose length is 16 bits, and each of its values takes a byte. */
const mostAttributeValues = 65535;
const guarded = new WeakSet<object>();

/**
 * A group's attributes. jsfive believes whatever count of values a damaged file claims, and would spend minutes and
 * gigabytes on it before it noticed.
 */
function attributes(group: Group): Record<string, unknown> {
  const objects = group._dataobjects;
  if (!guarded.has(objects)) {
    guarded.add(objects);
    const read = objects._attr_value;
    objects._attr_value = (dtype, buffer, count, offset) => {
      if (count > mostAttributeValues) throw new Error(`an attribute claims ${count} values`);
      return read.call(objects, dtype, buffer, count, offset);
    };
  }
  return group.attrs;
}

function names(group: Group, attribute: string, where: string): string[] {
  const parts = attributeParts(group, attribute);
  if (!parts) throw new FormatError(`${where} has no attribute ${attribute}: it was not saved by Keras 2`);
  return parts.map((part) => {
    const name = text(part);
    if (name) return name;
    throw new FormatError(
      `${where}: the attribute ${attribute} holds ${String(part)} where a name was expected`,
    );
  });
}

/** A string attribute without the NULs that pad strings of fixed length. */
function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value.replace(/\0+$/, '') : undefined;
}
