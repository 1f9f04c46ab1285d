import { FormatError } from '../../kernels/op/errors.ts';
import type { TensorEntry, TensorType } from './safetensors-header.ts';
import { parseHeader, quantisationKey } from './safetensors-header.ts';
import type { WeightArray, WeightEncoding, Weights } from './weights.ts';
import { encodedWeight, encodeWeight } from './weights.ts';

/** What a `.safetensors` file holds. */
export interface Safetensors {
  readonly weights: Weights;
  /** The file's `__metadata__`, our own entry for quantised tensors taken out. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SafetensorsOptions {
  /** How float32 weights are stored; weights that are encoded already keep their encoding. Default float32. */
  readonly encoding?: WeightEncoding | ((weight: WeightArray) => WeightEncoding);
  /** Texts kept in the file's `__metadata__`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Reads a `.safetensors` file of F32, F16, I32, and U8 or U16 tensors; the latter two are quantised weights, whose
 * scale and minimum stand in `__metadata__` under `ekphrasis.quantisation`. Where alignment allows, arrays are views
 * into `bytes`, so keep those unchanged while the weights are in use.
 * Format: https://huggingface.co/docs/safetensors (8 bytes header length, JSON header, data without gaps).
 * @param file the file's name, for messages
 * @throws FormatError when anything in the file contradicts the format.
 */
export function readSafetensors(bytes: Uint8Array, file: string): Safetensors {
  const { tensors, metadata, dataBegin } = parseHeader(bytes, file);
  const weights: Weights = new Map();
  for (const tensor of tensors) weights.set(tensor.name, weightOf(tensor, bytes, dataBegin));
  return { weights, metadata };
}

function weightOf(
  { name, shape, type, begin, end, quantisation }: TensorEntry,
  bytes: Uint8Array,
  dataBegin: number,
) {
  const size = type === 'F32' || type === 'I32' ? 4 : type === 'U8' ? 1 : 2;
  let start = bytes.byteOffset + dataBegin + begin;
  let buffer = bytes.buffer;
  if (start % size !== 0) {
    buffer = buffer.slice(start, start + end - begin);
    start = 0;
  }
  const count = (end - begin) / size;
  switch (type) {
    case 'F32':
      return { name, shape, data: new Float32Array(buffer, start, count) };
    case 'I32':
      return { name, shape, data: new Int32Array(buffer, start, count) };
    case 'F16':
      return encodedWeight(name, shape, { type: 'float16', values: new Uint16Array(buffer, start, count) });
    case 'U8':
      return encodedWeight(name, shape, {
        type: 'uint8',
        values: new Uint8Array(buffer, start, count),
        ...quantisation,
      });
    case 'U16':
      return encodedWeight(name, shape, {
        type: 'uint16',
        values: new Uint16Array(buffer, start, count),
        ...quantisation,
      });
  }
}

/**
 * The file as the pieces that make it up, in order, so that a large model is written without a second copy of it in
 * memory. @throws FormatError when a weight cannot be stored as asked.
 */
export function safetensorsParts(
  weights: Iterable<WeightArray>,
  options: SafetensorsOptions = {},
): Uint8Array[] {
  const { encoding = 'float32', metadata = {} } = options;
  const header: Record<string, unknown> = {};
  const quantisation: Record<string, { scale: number; minimum: number }> = {};
  const data: Uint8Array[] = [];
  let offset = 0;
  // Wider elements first keeps every array aligned to its element size, so that a reader needs no copy.
  const stored = [...weights]
    .map((weight) => encodeWeight(weight, typeof encoding === 'function' ? encoding(weight) : encoding))
    .map((weight) => ({ weight, ...storage(weight) }))
    .sort((a, b) => b.size - a.size);
  for (const { weight, type, values } of stored) {
    const { name, shape, encoded } = weight;
    if (name === '__metadata__' || Object.hasOwn(header, name)) {
      throw new FormatError(
        `two weights, or a weight and the metadata, are named ${name}: names must differ`,
      );
    }
    const end = offset + values.byteLength;
    setOwn(header, name, { dtype: type, shape, data_offsets: [offset, end] });
    if (encoded && encoded.type !== 'float16') {
      setOwn(quantisation, name, { scale: encoded.scale, minimum: encoded.minimum });
    }
    data.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    offset = end;
  }
  const texts: Record<string, string> = { ...metadata };
  if (Object.keys(quantisation).length) texts[quantisationKey] = JSON.stringify(quantisation);
  const json = JSON.stringify(Object.keys(texts).length ? { __metadata__: texts, ...header } : header);
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(text, 8);
  return [head, ...data];
}

/** The file as one array of bytes; see `safetensorsParts`. */
export function writeSafetensors(
  weights: Iterable<WeightArray>,
  options: SafetensorsOptions = {},
): Uint8Array<ArrayBuffer> {
  const parts = safetensorsParts(weights, options);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

/** Sets an own property even where the name is `__proto__`. */
function setOwn(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function storage(weight: WeightArray): { type: TensorType; values: ArrayBufferView; size: number } {
  const { encoded } = weight;
  if (encoded?.type === 'float16') return { type: 'F16', values: encoded.values, size: 2 };
  if (encoded?.type === 'uint16') return { type: 'U16', values: encoded.values, size: 2 };
  if (encoded) return { type: 'U8', values: encoded.values, size: 1 };
  const { data } = weight;
  return { type: data instanceof Int32Array ? 'I32' : 'F32', values: data, size: 4 };
}
