import type { Dataset } from 'jsfive';
import { FormatError } from '../../kernels/op/errors.ts';
import { elementCount } from '../../kernels/op/spec.ts';
import { shapeText } from './keras-model.ts';
import type { WeightArray } from './weights.ts';
import { encodedWeight } from './weights.ts';

// HDF5 file format specification 3.0, sections IV.A.2.i (data layout message) and IV.A.2.d (datatype message).
const layoutMessage = 8;
const contiguous = 1;
const chunked = 2;
const bytesOfType: Readonly<Record<string, number>> = { '<f4': 4, '<f2': 2, '<f8': 8, '<i4': 4 };

/** jsfive assembles chunks in a plain Array, which past this length V8 keeps as a hash table of several gigabytes. */
const largestChunkedArray = 32 * 1024 * 1024;

/**
 * One HDF5 data set as a weight: float32 and int32 where possible as a view into the file, float16 kept as it is,
 * float64 rounded to float32.
 * @throws FormatError when the data lie outside the file, or their type is not one of these.
 */
export function datasetWeight(
  dataset: Dataset,
  buffer: ArrayBuffer,
  name: string,
  file: string,
): WeightArray {
  const { shape, dtype } = dataset;
  const where = `${file}: weight ${name} ${shapeText(shape)}`;
  const size = typeof dtype === 'string' ? bytesOfType[dtype] : undefined;
  if (typeof dtype !== 'string' || size === undefined) {
    throw new FormatError(
      `${where} has the type ${String(dtype)}, but weights are float16, float32, float64 or int32, little-endian`,
    );
  }
  const count = elementCount(shape);
  const [, , layout, properties] = dataset._dataobjects._get_data_message_properties(
    dataset._dataobjects.find_msg_type(layoutMessage)[0]?.get('offset_to_message') ?? Number.NaN,
  );
  if (layout === contiguous) {
    const begin = Number(new DataView(buffer).getBigUint64(properties, true));
    if (count === 0) return { name, shape, data: new Float32Array(0) };
    if (begin + count * size > buffer.byteLength) {
      throw new FormatError(
        `${where} should lie at bytes ${begin} to ${begin + count * size}, but the file has ${buffer.byteLength}: it was cut off, so download or save it again`,
      );
    }
    return contiguousWeight(name, shape, dtype, buffer, begin, count, size);
  }
  if (layout !== chunked) {
    throw new FormatError(
      `${where} has HDF5 storage of class ${layout}: save the file again with contiguous data sets`,
    );
  }
  if (count > largestChunkedArray) {
    throw new FormatError(
      `${where} is compressed or chunked and too large for that: save the file without compression`,
    );
  }
  return chunkedWeight(name, shape, dtype, dataset.value, where);
}

function contiguousWeight(
  name: string,
  shape: readonly number[],
  dtype: string,
  buffer: ArrayBuffer,
  begin: number,
  count: number,
  size: number,
): WeightArray {
  const aligned = begin % size === 0;
  const source = aligned ? buffer : buffer.slice(begin, begin + count * size);
  const offset = aligned ? begin : 0;
  switch (dtype) {
    case '<f4':
      return { name, shape, data: new Float32Array(source, offset, count) };
    case '<i4':
      return { name, shape, data: new Int32Array(source, offset, count) };
    case '<f2':
      return encodedWeight(name, shape, { type: 'float16', values: new Uint16Array(source, offset, count) });
    default:
      return { name, shape, data: Float32Array.from(new Float64Array(source, offset, count)) };
  }
}

function chunkedWeight(
  name: string,
  shape: readonly number[],
  dtype: string,
  values: readonly (number | undefined)[],
  where: string,
): WeightArray {
  if (values.length !== elementCount(shape) || !complete(values)) {
    throw new FormatError(
      `${where} lacks some of its chunks: the file is damaged, so download or save it again`,
    );
  }
  return { name, shape, data: dtype === '<i4' ? Int32Array.from(values) : Float32Array.from(values) };
}

/** A chunk that is absent leaves holes in the array. */
function complete(values: readonly (number | undefined)[]): values is readonly number[] {
  return !values.includes(undefined);
}
