import type { Device, Operand } from '../src/kernels/device.ts';
import type { OpAttributes, OpDefinition, OpName, Sample, SampleInput } from '../src/kernels/op/op.ts';
import { densePlacement } from '../src/kernels/op/placement.ts';
import { floatSample } from '../src/kernels/op/samples.ts';
import {
  type DeviceArray,
  elementCount,
  type NumericArray,
  type TensorSpec,
} from '../src/kernels/op/spec.ts';
import { opTable } from '../src/kernels/op-table.ts';
import { centralDifferences, spread } from './central-differences.ts';
import { compare } from './compare.ts';
import { DeviceGradientContext } from './device-gradient-context.ts';

export interface OpCase {
  readonly name: string;
  /** Rejects with an error that names op, sample, variant, index, expected and got. */
  run(device: Device): Promise<void>;
}

/** Tolerance of a gradient relative to the largest in its tensor. */
const GRADIENT_TOLERANCE = 1e-4;
/** Gradients below this magnitude are held to the tolerance of this one: float32 loses what cancels. */
const GRADIENT_FLOOR = 1e-2;
/** Elements of an input for which differences are taken; of a larger input so many, spread over it. */
const DIFFERENCES = 64;

export interface OpScope {
  /** `every` (the default): all that the device has for a sample. `chosen`: the one that it takes by itself. */
  readonly variants?: 'every' | 'chosen';
}

/** Every sample of every op: forward in its variants, gradient, inputs left alone, no storage leaked. */
export function opCases({ variants = 'every' }: OpScope = {}): OpCase[] {
  return (Object.keys(opTable) as OpName[]).flatMap((op) => {
    const definition = opTable[op] as OpDefinition<unknown>;
    return definition.samples().map((sample) => ({
      name: `${op}, ${sample.name}`,
      run: (device: Device) => checkSample(device, definition, sample, variants),
    }));
  });
}

async function checkSample(
  device: Device,
  definition: OpDefinition<unknown>,
  sample: Sample<unknown>,
  scope: OpScope['variants'],
) {
  const { name } = definition;
  const before = device.memory().storages;
  const specs = sample.inputs.map(({ shape, dtype }) => ({ shape, dtype }));
  const arrays = sample.inputs.map(deviceArray);
  const inputs = arrays.map((data, index) => ({ storage: device.upload(data), spec: specs[index] }));
  const outputSpecs = definition.infer(specs, sample.attributes);
  const expected = oracle(definition, specs, outputSpecs, arrays.map(float64), sample.attributes);
  const variants =
    scope === 'chosen' ? [undefined] : variantsOn(device, definition, specs, outputSpecs, sample.attributes);
  for (const variant of variants) {
    const outputs = device.run(name, inputs, sample.attributes as OpAttributes[OpName], variant);
    for (const [index, output] of outputs.entries()) {
      const what = `${name}, sample '${sample.name}', variant '${variant ?? 'default'}', output ${index}`;
      compareSpec(what, output.spec, outputSpecs[index]);
      const tolerance = output.spec.dtype === 'int32' ? 0 : (sample.tolerance ?? 1e-5);
      compare(what, await device.read(output), expected[index], tolerance);
    }
    for (const output of outputs) device.release(output.storage);
  }
  if (definition.gradient !== 'none' && sample.differentiable !== false) {
    await checkGradient(device, definition, sample, specs, outputSpecs, inputs, arrays);
  }
  for (const [index, input] of inputs.entries()) {
    compare(
      `${name}, sample '${sample.name}', input ${index} afterwards`,
      await device.read(input),
      arrays[index],
      0,
    );
    device.release(input.storage);
  }
  const after = device.memory().storages;
  if (after !== before) {
    throw new Error(`${name}, sample '${sample.name}': ${before} storages before, ${after} after`);
  }
}

/** On WebGPU every variant by name; on the CPU device the SIMD kernels where the op has them, and the plain op. */
function variantsOn(
  device: Device,
  definition: OpDefinition<unknown>,
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
  attributes: unknown,
): readonly (string | undefined)[] {
  if (!device.adapter) return definition.simd ? [undefined, 'plain'] : [undefined];
  const placement = densePlacement(outputs[0]);
  const call = { inputs, outputs, attributes, adapter: device.adapter, placement };
  return definition.variants?.(call) ?? ['default'];
}

async function checkGradient(
  device: Device,
  definition: OpDefinition<unknown>,
  sample: Sample<unknown>,
  specs: readonly TensorSpec[],
  outputSpecs: readonly TensorSpec[],
  inputs: readonly Operand[],
  arrays: readonly DeviceArray[],
) {
  if (definition.gradient === 'none') return;
  const weights = outputSpecs.map(({ shape, dtype }, index) =>
    dtype === 'float32'
      ? Float32Array.from(floatSample(shape, 100 + index).data)
      : new Float32Array(elementCount(shape)),
  );
  const needs = specs.map(({ dtype }) => dtype === 'float32');
  const context = new DeviceGradientContext(
    device,
    definition.name,
    inputs,
    weights,
    sample.attributes,
    needs,
  );
  try {
    const results = definition.gradient(context);
    for (const [index, needed] of needs.entries()) {
      if (!needed) continue;
      const what = `${definition.name}, sample '${sample.name}', gradient of input ${index}`;
      const result = results[index];
      if (result) compareSpec(what, result, specs[index]);
      // A gradient may be left out where it is zero everywhere, as through a cast to integers.
      const actual = result ? await device.read(context.operandOf(result)) : arrays[index].map(() => 0);
      const at = spread(actual.length, DIFFERENCES);
      const differences = exactGradient(
        definition,
        sample.attributes,
        specs,
        outputSpecs,
        arrays,
        weights,
        index,
        at,
      );
      const chosen = Float64Array.from(at, (element) => actual[element]);
      compare(what, chosen, differences, GRADIENT_TOLERANCE, { floor: GRADIENT_FLOOR, indices: at });
    }
  } finally {
    context.dispose();
  }
}

/** Slope of Σ weights · outputs along some elements of one input, in float64. */
function exactGradient(
  definition: OpDefinition<unknown>,
  attributes: unknown,
  specs: readonly TensorSpec[],
  outputSpecs: readonly TensorSpec[],
  arrays: readonly DeviceArray[],
  weights: readonly Float32Array[],
  input: number,
  at: readonly number[],
): Float64Array {
  const moved = arrays.map(float64);
  return centralDifferences(moved[input], at, () => {
    let sum = 0;
    for (const [index, output] of oracle(definition, specs, outputSpecs, moved, attributes).entries()) {
      if (outputSpecs[index].dtype !== 'float32') continue;
      for (let i = 0; i < output.length; i++) sum += weights[index][i] * output[i];
    }
    return sum;
  });
}

function oracle(
  definition: OpDefinition<unknown>,
  inputSpecs: readonly TensorSpec[],
  outputSpecs: readonly TensorSpec[],
  inputs: readonly NumericArray[],
  attributes: unknown,
): NumericArray[] {
  // Filled with rubbish, as a device's memory is: an op must write every element.
  const outputs = outputSpecs.map(({ shape, dtype }) => {
    const count = elementCount(shape);
    return dtype === 'int32' ? new Int32Array(count).fill(-99) : new Float64Array(count).fill(Number.NaN);
  });
  definition.cpu({ inputs, inputSpecs, outputs, outputSpecs, attributes });
  return outputs;
}

function deviceArray({ dtype, data }: SampleInput): DeviceArray {
  return dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
}

function float64(array: DeviceArray): NumericArray {
  return array instanceof Int32Array ? array : Float64Array.from(array);
}

function compareSpec(what: string, actual: TensorSpec, expected: TensorSpec): void {
  if (actual.shape.join() !== expected.shape.join() || actual.dtype !== expected.dtype) {
    throw new Error(
      `${what}: expected [${expected.shape.join(', ')}] ${expected.dtype}, got [${actual.shape.join(', ')}] ${actual.dtype}`,
    );
  }
}
