// @adapters every: outputs written into channels of a wider tensor, by every op that can.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../src/kernels/device.ts';
import { ShapeError, UnsupportedError } from '../src/kernels/op/errors.ts';
import type { OpAttributes, OpDefinition, OpName, Sample } from '../src/kernels/op/op.ts';
import { densePlacement, placementIn } from '../src/kernels/op/placement.ts';
import { elementCount, type TensorSpec } from '../src/kernels/op/spec.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { eachDevice } from './each-device.ts';
import { errorOf } from './errors.ts';

const onDevice = await eachDevice(test);

/** What lies around the output before and must lie there after. */
const UNTOUCHED = 777;

/** Channels before and after the output: such that vectors of four stay whole, and such that they do not. */
const surroundings = [
  { before: 8, after: 4 },
  { before: 3, after: 2 },
];

for (const op of Object.keys(opTable) as OpName[]) {
  const definition = opTable[op] as OpDefinition<unknown>;
  if (!definition.places) continue;
  onDevice(`${op} among other channels gives the elements that it gives alone`, async (device) => {
    for (const sample of oneOfEachWidth(definition)) {
      const specs = sample.inputs.map(({ shape, dtype }) => ({ shape, dtype }));
      const inputs = sample.inputs.map(({ data, dtype }, index) => ({
        storage: device.upload(dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data)),
        spec: specs[index],
      }));
      const attributes = sample.attributes as OpAttributes[OpName];
      const [output] = definition.infer(specs, attributes);
      const columns = output.shape.at(-1) ?? 1;
      for (const { before, after } of surroundings) {
        const into = {
          shape: [...output.shape.slice(0, -1), before + columns + after],
          dtype: output.dtype,
        };
        for (const variant of variantsOf(device, definition, specs, output, into, before, attributes)) {
          const [alone] = device.run(op, inputs, attributes, variant);
          const wide = new Float32Array(elementCount(into.shape)).fill(UNTOUCHED);
          const target = { storage: device.upload(wide), spec: into };
          device.runInto(op, inputs, attributes, target, before, variant);
          const expected = wide.slice();
          const rows = await device.read(alone);
          for (const [index, element] of rows.entries()) {
            const row = Math.floor(index / columns);
            expected[before + row * (before + columns + after) + (index % columns)] = element;
          }
          assert.equal(
            Array.from(await device.read(target)),
            Array.from(expected),
            `${op}, ${sample.name}, ${variant ?? 'SIMD'}, channel ${before}`,
          );
          for (const { storage } of [alone, target]) device.release(storage);
        }
      }
      for (const { storage } of inputs) device.release(storage);
    }
  });
}

/** The largest sample whose channels come in fours, and the largest whose do not: kernels may write four at once. */
function oneOfEachWidth(definition: OpDefinition<unknown>): Sample<unknown>[] {
  const outputOf = ({ inputs, attributes }: Sample<unknown>) => definition.infer(inputs, attributes)[0].shape;
  const rising = [...definition.samples()].sort(
    (one, other) => elementCount(outputOf(one)) - elementCount(outputOf(other)),
  );
  const whole = (sample: Sample<unknown>) => (outputOf(sample).at(-1) ?? 1) % 4 === 0;
  const chosen = [rising.findLast(whole), rising.findLast((sample) => !whole(sample))];
  return chosen.filter((sample) => sample !== undefined);
}

/** Those that the placed call has; some of the dense call's may need whole vectors. */
function variantsOf(
  device: Device,
  definition: OpDefinition<unknown>,
  inputs: readonly TensorSpec[],
  output: TensorSpec,
  into: TensorSpec,
  offset: number,
  attributes: unknown,
): readonly (string | undefined)[] {
  const { adapter } = device;
  if (!adapter) return definition.simd ? [undefined, 'plain'] : [undefined];
  const variants = (placement = densePlacement(output)) =>
    definition.variants?.({ inputs, outputs: [output], attributes, adapter, placement }) ?? ['default'];
  const dense = variants();
  return variants(placementIn(definition, [output], into, offset)).filter((name) => dense.includes(name));
}

onDevice('what does not fit, and an op that cannot place, are refused by name', async (device) => {
  const spec: TensorSpec = { shape: [1, 4, 4, 2], dtype: 'float32' };
  const x = { storage: device.upload(new Float32Array(32)), spec };
  const pool = { size: [2, 2], strides: [2, 2], padding: 'valid' } as const;
  const into = (shape: readonly number[]) => {
    const target = { storage: device.allocate(4 * elementCount(shape)), spec: { ...spec, shape } };
    return { target, free: () => device.release(target.storage) };
  };
  const wide = into([1, 2, 2, 4]);
  const late = await errorOf(ShapeError, () => device.runInto('maxPool', [x], pool, wide.target, 3));
  assert.match(late.message, /maxPool: its output \[1, 2, 2, 2\] .* \[1, 2, 2, 4\] .* channel 3/);
  wide.free();
  const tall = into([1, 3, 2, 4]);
  await errorOf(ShapeError, () => device.runInto('maxPool', [x], pool, tall.target, 0));
  await errorOf(UnsupportedError, () => device.runInto('relu', [x], {}, tall.target, 0));
  tall.free();
  device.release(x.storage);
});

test.run();
