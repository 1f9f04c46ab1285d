import { FormatError } from '../../kernels/op/errors.ts';
import { elementCount } from '../../kernels/op/spec.ts';
import type { JsonObject } from './json-fields.ts';
import { expectNumber, expectObject, expectShape, parseJsonObject, shown } from './json-fields.ts';

/** The element types that our files use; U8 and U16 only for quantised weights. */
export type TensorType = 'F32' | 'F16' | 'I32' | 'U8' | 'U16';

/** One tensor as the header describes it, checked. Offsets count from the end of the header. */
export interface TensorEntry {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
  /** Present for U8 and U16: the number that integer q stands for is `q * scale + minimum`. */
  readonly quantisation: { readonly scale: number; readonly minimum: number };
}

/** The entry of `__metadata__` that holds scale and minimum of quantised tensors, as JSON by tensor name. */
export const quantisationKey = 'ekphrasis.quantisation';

/** The limit that the reference implementation sets, against files that claim a giant header. */
const largestHeader = 100_000_000;
const bytesOfType: ReadonlyMap<unknown, number> = new Map([
  ['F32', 4],
  ['F16', 2],
  ['I32', 4],
  ['U8', 1],
  ['U16', 2],
]);

export interface SafetensorsHeader {
  /** In the order of their data. */
  readonly tensors: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the data begin in the file, in bytes. */
  readonly dataBegin: number;
}

/** Reads and checks the header of a `.safetensors` file. @throws FormatError when it contradicts the format. */
export function parseHeader(bytes: Uint8Array, file: string): SafetensorsHeader {
  if (bytes.length < 10) {
    throw new FormatError(
      `${file} has ${bytes.length} bytes, too few for a safetensors file: it was cut off or is empty`,
    );
  }
  const claimed = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (claimed > BigInt(largestHeader) || claimed > BigInt(bytes.length - 8)) {
    throw new FormatError(
      `${file} claims a header of ${claimed} bytes in a file of ${bytes.length}: it is cut off or no safetensors file`,
    );
  }
  const dataBegin = 8 + Number(claimed);
  const header = parseJsonObject(
    headerText(bytes.subarray(8, dataBegin), file),
    `${file}: the safetensors header`,
  );
  const { __metadata__: rawMetadata, ...entries } = header;
  const { [quantisationKey]: rawQuantisation, ...metadata } = texts(rawMetadata, file);
  const quantisation =
    rawQuantisation === undefined ? {} : parseJsonObject(rawQuantisation, `${file}: ${quantisationKey}`);
  const tensors = Object.entries(entries).map(([name, entry]) =>
    tensorEntry(name, entry, quantisation, file),
  );
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  requireGapless(tensors, bytes.length - dataBegin, file);
  return { tensors, metadata, dataBegin };
}

function headerText(bytes: Uint8Array, file: string): string {
  // The format demands the brace first, so that nothing else can pass for a header.
  if (bytes[0] !== 0x7b)
    throw new FormatError(`${file}: the header does not begin with {: it is no safetensors file`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${file}: the safetensors header is not UTF-8: the file is damaged`, { cause });
  }
}

function texts(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  const found: Record<string, string> = {};
  for (const [key, text] of Object.entries(expectObject(value, `${file}: __metadata__`))) {
    if (typeof text !== 'string') {
      throw new FormatError(`${file}: __metadata__ must hold texts only, but ${key} is ${shown(text)}`);
    }
    found[key] = text;
  }
  return found;
}

function tensorEntry(name: string, value: unknown, quantisation: JsonObject, file: string): TensorEntry {
  const where = `${file}: tensor ${name}`;
  const entry = expectObject(value, where);
  const size = bytesOfType.get(entry.dtype);
  if (size === undefined) {
    throw new FormatError(
      `${where} has the dtype ${shown(entry.dtype)}, but only F32, F16, I32, U8 and U16 can be read: convert the file`,
    );
  }
  const type = entry.dtype as TensorType;
  const shape = expectShape(entry.shape, `${where}: shape`);
  const offsets = expectShape(entry.data_offsets, `${where}: data_offsets`);
  const [begin, end] = offsets;
  const needed = elementCount(shape) * size;
  if (offsets.length !== 2 || end - begin !== needed) {
    throw new FormatError(
      `${where} is ${type} [${shape.join(', ')}] and needs ${needed} bytes, but its data_offsets are [${offsets.join(', ')}]`,
    );
  }
  return { name, type, shape, begin, end, quantisation: affine(name, type, quantisation, where) };
}

function affine(name: string, type: TensorType, quantisation: JsonObject, where: string) {
  if (type !== 'U8' && type !== 'U16') return { scale: 1, minimum: 0 };
  if (!Object.hasOwn(quantisation, name)) {
    throw new FormatError(
      `${where} is ${type}, but __metadata__ has no scale and minimum for it under ${quantisationKey}: the file was not written by ekphrasis`,
    );
  }
  const entry = expectObject(quantisation[name], `${where}: its quantisation`);
  return {
    scale: expectNumber(entry.scale, `${where}: scale`),
    minimum: expectNumber(entry.minimum, `${where}: minimum`),
  };
}

/** Data must cover the rest of the file exactly: no overlap, no hole (a repeated name leaves one), nothing after. */
function requireGapless(tensors: readonly TensorEntry[], dataLength: number, file: string): void {
  let reached = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== reached) {
      const fault = begin < reached ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw new FormatError(
        `${file}: tensor ${name} ${fault} (it begins at ${begin}, the last ended at ${reached})`,
      );
    }
    reached = end;
  }
  if (reached !== dataLength) {
    throw new FormatError(
      `${file}: the tensors take ${reached} bytes, but ${dataLength} follow the header: the file is cut off or damaged`,
    );
  }
}
