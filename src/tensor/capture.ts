import type { Device, DevicePlan, Operand, Storage } from '../kernels/device.ts';
import { EkphrasisError, ShapeError, UnsupportedError } from '../kernels/op/errors.ts';
import type { TensorSpec } from '../kernels/op/spec.ts';
import { isSpec, leavesAlong, mapNested, type Specs } from './nested.ts';
import { type Replaceable, whileListening } from './parameter-uses.ts';
import { scope } from './scope.ts';
import { activeTape } from './tape.ts';
import { Tensor } from './tensor.ts';

/** A structure of specs (or tensors, which are specs too) with tensors in their place. */
export type Tensors<T> = T extends TensorSpec
  ? Tensor
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<K, Tensors<V>>
    : T extends object
      ? { readonly [K in keyof T]: Tensors<T[K]> }
      : T;

/** A function of tensors whose kernels, shapes and memory are settled; made by {@link capture}. */
export class Plan<Inputs, Outputs> {
  readonly #device: Device;
  readonly #plan: DevicePlan;
  readonly #inputs: Specs<Inputs>;
  readonly #outputs: Specs<Outputs>;
  readonly #parameters: ReadonlyMap<Replaceable, Storage>;

  /** `inputs` and `outputs` are the structures of the plan's, in which its operands stand in order. */
  constructor(
    device: Device,
    plan: DevicePlan,
    inputs: Specs<Inputs>,
    outputs: Specs<Outputs>,
    parameters: ReadonlyMap<Replaceable, Storage>,
  ) {
    this.#device = device;
    this.#plan = plan;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#parameters = parameters;
  }

  /** Bytes that intermediate results take; the plan holds them between its runs. */
  get bytes(): number {
    return this.#plan.bytes;
  }

  /** Kernels that a run launches or calls. */
  get kernels(): number {
    return this.#plan.kernels;
  }

  /** Shapes and types of the outputs. */
  get outputs(): Specs<Outputs> {
    return this.#outputs;
  }

  /** Whether a parameter was assigned since the capture: then capture anew. Throws DisposedError where one was disposed. */
  get stale(): boolean {
    for (const [parameter, storage] of this.#parameters) {
      if (parameter.operand('plan').storage !== storage) return true;
    }
    return false;
  }

  /**
   * The function of other inputs, of the structure, shapes and types that it was captured with (ShapeError, DTypeError). The
   * outputs are tensors like any other. Parameters are read as they are now: in place, so one that was assigned since
   * the capture throws UnsupportedError, and one that was disposed of DisposedError. There is no gradient through a
   * plan: UnsupportedError where one is being recorded. `scoped` false exempts the outputs from scopes, for code that
   * waits between its runs and so does not know which scope is open.
   */
  run(inputs: Inputs, scoped = true): Outputs {
    if (activeTape()) {
      throw new UnsupportedError(
        'plan: there is no gradient through a plan; inside of a differentiated function call the function itself',
      );
    }
    if (this.stale) {
      throw new UnsupportedError(
        'plan: a parameter was assigned after the capture; dispose of the plan and capture it again',
      );
    }
    const operands = leavesAlong(this.#inputs, inputs).map((input) => {
      if (input instanceof Tensor) return input.operand('plan');
      throw new ShapeError(
        'plan: the inputs are not tensors in the structure that the plan was captured with; give a tensor for each spec of it',
      );
    });
    const results = this.#plan.run(operands);
    let next = 0;
    return mapNested(this.#outputs, (leaf) =>
      isSpec(leaf) ? new Tensor(this.#device, results[next++], scoped) : leaf,
    ) as Outputs;
  }

  /** Resolves when all kernels are compiled, so that a run need not wait; rejects with KernelError. */
  ready(): Promise<void> {
    return this.#plan.ready();
  }

  /** Gives its memory back. Idempotent; any further run throws DisposedError. */
  dispose(): void {
    this.#plan.dispose();
  }
}

/**
 * Settles a function of tensors once, to be run often: which kernels run on which memory. Intermediate results share
 * memory where they are not needed at the same time, and a run needs next to no work on this side. `inputs` are specs,
 * or tensors as examples of them: one, or arrays, plain objects and maps of them. The function is called once with
 * tensors in their place, nothing is computed by that, and what it returns may be such a structure as well.
 *
 * It must be synchronous and decide by shapes alone. Other tensors and parameters that it uses are kept alive by the
 * plan. Uploads (`Tensor.from`), reading, assigning parameters and capturing inside of it throw UnsupportedError.
 */
export function capture<Inputs, Outputs>(
  device: Device,
  inputs: Inputs,
  body: (inputs: Tensors<Inputs>) => Outputs,
): Plan<Tensors<Inputs>, Outputs> {
  if (activeTape()) {
    throw new UnsupportedError(
      'capture: gradients are being recorded; capture outside of the differentiated function',
    );
  }
  const parameters = new Map<Replaceable, Storage>();
  const specs: TensorSpec[] = [];
  const given = mapNested(inputs, (leaf) => {
    if (!isSpec(leaf)) return leaf;
    const spec = { shape: [...leaf.shape], dtype: leaf.dtype };
    specs.push(spec);
    return spec;
  });
  let returned: unknown;
  const plan = whileListening(
    (parameter, { storage }) => parameters.set(parameter, storage),
    () =>
      device.capture(specs, (operands) =>
        // What the function made is known to the plan; its tensors end with the scope.
        scope(() => {
          let next = 0;
          const tensors = mapNested(given, (leaf) =>
            isSpec(leaf) ? new Tensor(device, operands[next++]) : leaf,
          );
          const outputs: Operand[] = [];
          returned = mapNested(body(tensors as Tensors<Inputs>), (leaf) => {
            if (leaf === null) return null;
            if (leaf instanceof Promise) leaf.catch(() => {});
            if (!(leaf instanceof Tensor)) {
              throw new EkphrasisError(
                'capture: the function returned something that is no tensor; return the tensors that the plan shall put out, in arrays or plain objects, and not a Promise of them',
              );
            }
            const operand = leaf.operand('capture');
            outputs.push(operand);
            return operand.spec;
          });
          return outputs;
        }),
      ),
  );
  return new Plan(device, plan, given as Specs<Tensors<Inputs>>, returned as Specs<Outputs>, parameters);
}
