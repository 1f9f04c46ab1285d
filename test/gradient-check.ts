import type { Device } from '../src/kernels/device.ts';
import type { SampleInput } from '../src/kernels/op/op.ts';
import { valueAndGradients } from '../src/tensor/autograd.ts';
import { scope } from '../src/tensor/scope.ts';
import { Tensor } from '../src/tensor/tensor.ts';
import { centralDifferences, spread } from './central-differences.ts';
import { compare } from './compare.ts';
import { Float64Device } from './float64-device.ts';

/** A function to differentiate, built on some device: its watched tensors, and how to compute the loss from them. */
export interface Differentiable {
  readonly watched: ReadonlyMap<string, Tensor>;
  loss(): Tensor;
  dispose(): void;
}

const TOLERANCE = 1e-4;
/** Gradients below this magnitude are held to the tolerance of this one: float32 loses what cancels. */
const FLOOR = 1e-2;
/** Elements of a tensor for which differences are taken; of a larger one so many, spread over it. */
const DIFFERENCES = 48;

/**
 * Holds a device's value and gradients to the float64 value and its central differences. `build` runs once on each
 * device and must make the same function on both.
 */
export async function checkGradients(
  device: Device,
  build: (device: Device) => Differentiable,
): Promise<void> {
  const exact = new Float64Device();
  const [built, model] = [build(device), build(exact)];
  try {
    const watched = [...built.watched];
    const { value, gradients } = valueAndGradients(
      () => built.loss(),
      watched.map(([, tensor]) => tensor),
    );
    try {
      compare('the loss', await value.data(), Float64Array.of(evaluate(exact, model)), 1e-5, { floor: 1e-2 });
      for (const [index, [name, tensor]] of watched.entries()) {
        const moved = model.watched.get(name) as Tensor;
        const actual = await gradients[index].data();
        if (gradients[index].shape.join() !== tensor.shape.join()) {
          throw new Error(`${name} is [${tensor.shape}], its gradient [${gradients[index].shape}]`);
        }
        const at = spread(actual.length, DIFFERENCES);
        const chosen = Float64Array.from(at, (element) => actual[element]);
        const differences = centralDifferences(exact.elements(moved.operand('differences').storage), at, () =>
          evaluate(exact, model),
        );
        compare(`the gradient of ${name}`, chosen, differences, TOLERANCE, { floor: FLOOR, indices: at });
      }
    } finally {
      for (const tensor of [value, ...gradients]) tensor.dispose();
    }
  } finally {
    built.dispose();
    model.dispose();
  }
  if (exact.memory().storages !== 0) throw new Error(`${exact.memory().storages} storages left in float64`);
}

/** The same for a function of tensors. */
export function checkFunction(
  device: Device,
  inputs: Readonly<Record<string, SampleInput>>,
  loss: (tensors: Record<string, Tensor>, device: Device) => Tensor,
): Promise<void> {
  return checkGradients(device, (on) => {
    const tensors = new Map<string, Tensor>();
    for (const [name, { shape, data }] of Object.entries(inputs)) {
      tensors.set(name, Tensor.from(on, Float32Array.from(data), shape));
    }
    return {
      watched: tensors,
      loss: () => loss(Object.fromEntries(tensors), on),
      dispose: () => {
        for (const tensor of tensors.values()) tensor.dispose();
      },
    };
  });
}

function evaluate(exact: Float64Device, model: Differentiable): number {
  const loss = scope(() => model.loss());
  const [value] = exact.elements(loss.operand('loss').storage);
  loss.dispose();
  return value;
}
