import type { Device, DevicePlan, Storage } from '../kernels/device.ts';
import { EkphrasisError, UnsupportedError } from '../kernels/errors.ts';
import type { TensorSpec } from '../kernels/spec.ts';
import { type Replaceable, whileListening } from './parameter-uses.ts';
import { scope } from './scope.ts';
import { activeTape } from './tape.ts';
import { Tensor } from './tensor.ts';

/** A function of tensors whose kernels, shapes and memory are settled; made by {@link capture}. */
export class Plan {
  readonly #device: Device;
  readonly #plan: DevicePlan;
  readonly #parameters: ReadonlyMap<Replaceable, Storage>;

  constructor(device: Device, plan: DevicePlan, parameters: ReadonlyMap<Replaceable, Storage>) {
    this.#device = device;
    this.#plan = plan;
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
  get outputs(): readonly TensorSpec[] {
    return this.#plan.outputs;
  }

  /** Whether a parameter was assigned since the capture: then capture anew. Throws DisposedError where one was disposed. */
  get stale(): boolean {
    for (const [parameter, storage] of this.#parameters) {
      if (parameter.operand('plan').storage !== storage) return true;
    }
    return false;
  }

  /**
   * The function of other inputs, of the shapes and types that it was captured with (ShapeError, DTypeError). The
   * outputs are tensors like any other. Parameters are read as they are now: in place, so one that was assigned since
   * the capture throws UnsupportedError, and one that was disposed of DisposedError. There is no gradient through a
   * plan: UnsupportedError where one is being recorded. `scoped` false exempts the outputs from scopes, for code that
   * waits between its runs and so does not know which scope is open.
   */
  run(inputs: readonly Tensor[], scoped = true): Tensor[] {
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
    const operands = inputs.map((input) => input.operand('plan'));
    return this.#plan.run(operands).map((operand) => new Tensor(this.#device, operand, scoped));
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
 * or tensors as examples of them. The function is called once, and nothing is computed by that.
 *
 * It must be synchronous and decide by shapes alone. Other tensors and parameters that it uses are kept alive by the
 * plan. Uploads (`Tensor.from`), reading, assigning parameters and capturing inside of it throw UnsupportedError.
 */
export function capture(
  device: Device,
  inputs: readonly TensorSpec[],
  body: (inputs: readonly Tensor[]) => readonly Tensor[],
): Plan {
  if (activeTape()) {
    throw new UnsupportedError(
      'capture: gradients are being recorded; capture outside of the differentiated function',
    );
  }
  const parameters = new Map<Replaceable, Storage>();
  const specs = inputs.map(({ shape, dtype }) => ({ shape: [...shape], dtype }));
  const plan = whileListening(
    (parameter, { storage }) => parameters.set(parameter, storage),
    () =>
      device.capture(specs, (operands) =>
        // What the function made is known to the plan; its tensors end with the scope.
        scope(() => {
          const results = body(operands.map((operand) => new Tensor(device, operand)));
          if (results instanceof Promise) results.catch(() => {});
          if (!Array.isArray(results) || !results.every((result) => result instanceof Tensor)) {
            throw new EkphrasisError(
              'capture: the function did not return an array of tensors; return what the plan shall put out, and not a Promise of it',
            );
          }
          return results.map((result) => result.operand('capture'));
        }),
      ),
  );
  return new Plan(device, plan, parameters);
}
