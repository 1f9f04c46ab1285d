import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../src/kernels/op/errors.ts';
import { float16Bits, float16Value } from '../src/nn/formats/float16.ts';
import { readSafetensors, safetensorsParts, writeSafetensors } from '../src/nn/formats/safetensors.ts';
import type { WeightArray } from '../src/nn/formats/weights.ts';
import { encodedWeight, encodeWeight, renamed, weightsByName } from '../src/nn/formats/weights.ts';

const refuses = (action: () => unknown, message: RegExp) =>
  assert.throws(action, (error: unknown) => error instanceof FormatError && message.test(error.message));

/** A file with this header text, and data of this many bytes. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const mixed: WeightArray[] = [
  encodedWeight('bytes', [3], { type: 'uint8', values: Uint8Array.of(0, 7, 255), scale: 0.1, minimum: -1.3 }),
  { name: 'kernel', shape: [2, 2], data: Float32Array.of(1, -0, 3.4e38, 1e-40) },
  encodedWeight('words', [2], { type: 'uint16', values: Uint16Array.of(0, 65535), scale: 1 / 3, minimum: 2 }),
  { name: 'ids', shape: [2], data: Int32Array.of(-2147483648, 7) },
  encodedWeight('half', [1, 2], { type: 'float16', values: Uint16Array.of(0x3c00, 0x0001) }),
  { name: 'scalar', shape: [], data: Float32Array.of(4) },
  { name: '__proto__', shape: [1], data: Float32Array.of(5) },
  { name: 'empty', shape: [0, 4], data: new Float32Array(0) },
];

test('every type comes back bit by bit, with its encoding', () => {
  const { weights, metadata } = readSafetensors(writeSafetensors(mixed, { metadata: { note: 'é' } }), 'f');
  assert.equal(metadata, { note: 'é' });
  assert.equal([...weights.keys()].sort(), mixed.map(({ name }) => name).sort());
  for (const weight of mixed) {
    const read = weights.get(weight.name);
    assert.equal(read?.shape, weight.shape);
    assert.equal(read?.encoded, weight.encoded);
    assert.equal(read?.data, weight.data);
    assert.ok(Object.is(read?.data[1], weight.data[1]));
  }
  assert.equal(weights.get('bytes')?.data, Float32Array.of(-1.3, 7 * 0.1 - 1.3, 255 * 0.1 - 1.3));
});

test('bytes at an odd place in their buffer are read too', () => {
  const bytes = writeSafetensors(mixed);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  const { weights } = readSafetensors(shifted.subarray(1), 'f');
  for (const { name, data } of mixed) assert.equal(weights.get(name)?.data, data);
});

test('the header is padded so that data are aligned, and the pieces make up the file', () => {
  const bytes = writeSafetensors(mixed);
  assert.is(new DataView(bytes.buffer).getBigUint64(0, true) % 8n, 0n);
  assert.equal(Buffer.concat(safetensorsParts(mixed)), Buffer.from(bytes));
});

test('a file of the reference implementation is read', () => {
  // python: safetensors.numpy.save({'a': np.array([[1, 2]], 'float32'), 'b': np.array([3], 'int32')}, {'k': 'v'})
  const header =
    '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"I32","shape":[1],"data_offsets":[8,12]}}';
  const bytes = file(`${header}   `, 12);
  const view = new DataView(bytes.buffer, bytes.length - 12);
  view.setFloat32(0, 1, true);
  view.setFloat32(4, 2, true);
  view.setInt32(8, 3, true);
  const { weights, metadata } = readSafetensors(bytes, 'f');
  assert.equal(metadata, { k: 'v' });
  assert.equal(weights.get('a')?.data, Float32Array.of(1, 2));
  assert.equal(weights.get('b')?.data, Int32Array.of(3));
});

test('quantising keeps within half a step, extremes and constants exactly, and is not done twice', () => {
  const data = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 3 + 1);
  const weight = { name: 'w', shape: [1000], data };
  for (const [encoding, steps] of [
    ['uint8', 255],
    ['uint16', 65535],
  ] as const) {
    const encoded = encodeWeight(weight, encoding);
    const halfStep = (Math.max(...data) - Math.min(...data)) / steps / 2;
    const decoded = encoded.data;
    for (let i = 0; i < data.length; i++) assert.ok(Math.abs(decoded[i] - data[i]) <= halfStep + 1e-6);
    assert.is(Math.min(...decoded), Math.min(...data));
    assert.is(encodeWeight(encoded, 'float16'), encoded);
    const constant = encodeWeight({ name: 'c', shape: [2], data: Float32Array.of(0.3, 0.3) }, encoding);
    assert.equal(constant.data, Float32Array.of(0.3, 0.3));
    const stored = readSafetensors(writeSafetensors([weight], { encoding }), 'f').weights.get('w');
    assert.equal(stored?.data, decoded);
  }
  refuses(
    () => encodeWeight({ name: 'w', shape: [1], data: Float32Array.of(Number.NaN) }, 'uint8'),
    /w holds NaN/,
  );
  refuses(
    () => encodeWeight({ name: 'w', shape: [1], data: Float32Array.of(7e4) }, 'float16'),
    /w holds 70000/,
  );
  const whole: WeightArray = { name: 'i', shape: [1], data: Int32Array.of(3) };
  assert.is(encodeWeight(whole, 'uint8'), whole);
});

test('every half-precision number survives, and rounding is to nearest, ties to even', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = float16Value(bits);
    if (!Number.isNaN(value)) assert.is(float16Bits(value), bits);
  }
  assert.ok(Number.isNaN(float16Value(float16Bits(Number.NaN))));
  for (let bits = 0; bits < 0x7bff; bits++) {
    const middle = (float16Value(bits) + float16Value(bits + 1)) / 2;
    assert.is(float16Bits(middle), bits + (bits & 1));
    assert.is(float16Bits(-middle), (bits + (bits & 1)) | 0x8000);
  }
  assert.is(float16Value(float16Bits(65519)), 65504);
  assert.is(float16Value(float16Bits(65520)), Number.POSITIVE_INFINITY);
});

test('an encoding may be chosen per weight, and a new name changes nothing else', () => {
  const bytes = writeSafetensors(
    [
      { name: 'matrix', shape: [1, 2], data: Float32Array.of(1, 2) },
      { name: 'vector', shape: [2], data: Float32Array.of(1, 2) },
    ],
    { encoding: ({ shape }) => (shape.length > 1 ? 'float16' : 'float32') },
  );
  const { weights } = readSafetensors(bytes, 'f');
  assert.is(weights.get('matrix')?.encoded?.type, 'float16');
  assert.is(weights.get('vector')?.encoded, undefined);
  assert.is(renamed(mixed[0], 'other').encoded, mixed[0].encoded);
  assert.is(renamed(mixed[1], 'other').data, mixed[1].data);
});

test('names that occur twice are refused', () => {
  const twice = [mixed[1], mixed[1]];
  refuses(() => writeSafetensors(twice), /named kernel/);
  refuses(() => weightsByName(twice), /named kernel/);
  refuses(() => writeSafetensors([{ ...mixed[1], name: '__metadata__' }]), /named __metadata__/);
});

test('a header that contradicts the format is refused', () => {
  const tensor = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const cases: [unknown, number, RegExp][] = [
    ['[]        ', 0, /does not begin with \{/],
    ['{"a":', 0, /not valid JSON/],
    ['{"\xff', 4, /not valid JSON/],
    [{ a: 3 }, 0, /tensor a must be a JSON object, but is 3/],
    [{ a: { ...tensor, dtype: 'BF16' } }, 8, /dtype "BF16"/],
    [{ a: { ...tensor, dtype: undefined } }, 8, /dtype undefined/],
    [{ a: { ...tensor, shape: [-2] } }, 8, /shape .* holds -2/],
    [{ a: { ...tensor, shape: '2' } }, 8, /shape must be a JSON array/],
    [{ a: { ...tensor, shape: [1.5] } }, 8, /holds 1\.5/],
    [{ a: { ...tensor, shape: [3] } }, 8, /needs 12 bytes/],
    [{ a: { ...tensor, data_offsets: [0] } }, 8, /data_offsets are \[0\]/],
    [{ a: { ...tensor, data_offsets: [8, 0] } }, 8, /data_offsets are \[8, 0\]/],
    [{ a: tensor }, 7, /take 8 bytes, but 7 follow/],
    [{ a: tensor }, 12, /take 8 bytes, but 12 follow/],
    [{ a: tensor, b: { ...tensor, data_offsets: [4, 12] } }, 12, /tensor b overlaps/],
    [{ a: tensor, b: tensor }, 8, /tensor b overlaps/],
    [{ a: tensor, b: { ...tensor, data_offsets: [12, 20] } }, 20, /tensor b leaves a gap/],
    [{ __metadata__: { k: 1 }, a: tensor }, 8, /texts only, but k is 1/],
    [{ __metadata__: [], a: tensor }, 8, /__metadata__ must be a JSON object/],
    [{ a: { dtype: 'U8', shape: [8], data_offsets: [0, 8] } }, 8, /no scale and minimum/],
    [
      {
        __metadata__: { 'ekphrasis.quantisation': '{"a":{"scale":"1","minimum":0}}' },
        a: { dtype: 'U8', shape: [8], data_offsets: [0, 8] },
      },
      8,
      /scale must be a number, but is "1"/,
    ],
    [
      { __metadata__: { 'ekphrasis.quantisation': '[' }, a: tensor },
      8,
      /ekphrasis\.quantisation is not valid JSON/,
    ],
  ];
  for (const [header, dataBytes, message] of cases) {
    refuses(() => readSafetensors(file(header, dataBytes), 'given.safetensors'), message);
  }
  // A name that occurs twice leaves the first one's data unclaimed.
  const repeated =
    '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}';
  refuses(() => readSafetensors(file(repeated, 8), 'f'), /leaves a gap/);
});

test('a file cut off, empty or with a giant header is refused', () => {
  const bytes = writeSafetensors(mixed);
  for (let length = 0; length < bytes.length; length += 5) {
    refuses(() => readSafetensors(bytes.subarray(0, length), 'cut.safetensors'), /cut\.safetensors/);
  }
  const giant = new Uint8Array(64);
  new DataView(giant.buffer).setBigUint64(0, 1n << 62n, true);
  refuses(() => readSafetensors(giant, 'f'), /claims a header of 4611686018427387904 bytes/);
  const invalidText = file('{"  "}', 0);
  invalidText[10] = 0xff;
  refuses(() => readSafetensors(invalidText, 'f'), /not UTF-8/);
});

test.run();
