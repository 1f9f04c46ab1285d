import { EkphrasisError, ShapeError, UnsupportedError } from '../kernels/op/errors.ts';
import type { GradientContext, Value } from '../kernels/op/op.ts';
import { describe } from '../kernels/op/spec.ts';
import { scope } from './scope.ts';
import { activeTape, Tape, type TapeEntry, withTape } from './tape.ts';
import { executeOn, filled, revived, Tensor } from './tensor.ts';

export interface ValueAndGradients {
  /** What the function returned. */
  readonly value: Tensor;
  /** One gradient per watched tensor, of its shape; zeros where the value does not depend on it. */
  readonly gradients: Tensor[];
}

/**
 * Evaluates `loss` and its gradients with respect to `watched` by reverse-mode differentiation (Linnainmaa 1970):
 * the ops that lead from the watched tensors to the loss are recorded, then walked backwards. The loss must have one
 * element. Everything else that was made on the way is freed. Throws UnsupportedError inside of another call's `loss`
 * (there are no second derivatives), and where a watched tensor reaches the loss through an op without a gradient.
 */
export function valueAndGradients(loss: () => Tensor, watched: readonly Tensor[]): ValueAndGradients {
  if (activeTape()) {
    throw new UnsupportedError(
      'gradients: asked for inside of a function that is being differentiated itself; there are no second derivatives: ' +
        'compute the inner gradients before',
    );
  }
  return scope(() => {
    const tape = new Tape(watched.map((tensor) => tensor.id));
    try {
      const value = withTape(tape, loss);
      if (!(value instanceof Tensor)) {
        throw new EkphrasisError(
          'gradients: the function did not return a tensor; return the loss itself, and not a Promise of it',
        );
      }
      if (value.size !== 1) {
        throw new ShapeError(
          `gradients: the loss is ${describe(value)}; reduce it to one element with sum() or mean()`,
        );
      }
      return { value, gradients: withTape(null, () => backward(tape, value, watched)) };
    } finally {
      tape.clear();
    }
  });
}

function backward(tape: Tape, value: Tensor, watched: readonly Tensor[]): Tensor[] {
  const gradientOf = new Map<number, Tensor>();
  gradientOf.set(value.id, filled(value.device, value.shape, 1));
  const kept = new Set(watched.map((tensor) => tensor.id));
  for (let entry = tape.pop(); entry; entry = tape.pop()) {
    try {
      if (entry.outputs.some((output) => gradientOf.has(output.id))) propagate(tape, entry, gradientOf);
    } finally {
      tape.release(entry);
    }
    for (const { id } of entry.outputs) {
      if (kept.has(id)) continue;
      gradientOf.get(id)?.dispose();
      gradientOf.delete(id);
    }
  }
  return watched.map((tensor) => gradientOf.get(tensor.id) ?? filled(tensor.device, tensor.shape, 0));
}

/** Adds the gradients of one op's inputs to what is known. */
function propagate(tape: Tape, entry: TapeEntry, gradientOf: Map<number, Tensor>): void {
  const { gradient, device } = entry;
  if (gradient === 'none') {
    throw new UnsupportedError(
      `${entry.op}: has no gradient, but the loss depends on a watched tensor through it; ` +
        'compute it outside of the differentiated function',
    );
  }
  const results = scope(() => {
    const context: GradientContext<never> = {
      inputs: entry.inputs.map((input) => revived(device, input)),
      outputs: entry.outputs.map((output) => revived(device, output)),
      gradients: entry.outputs.map(
        ({ id, operand }) => gradientOf.get(id) ?? filled(device, operand.spec.shape, 0),
      ),
      // What was recorded with this very gradient.
      attributes: entry.attributes as never,
      needs: entry.inputs.map((input) => tape.tracks(input.id)),
      run: (op, inputs, attributes) => executeOn(device, op, inputs.map(asTensor), attributes)[0],
      runAll: (op, inputs, attributes) => executeOn(device, op, inputs.map(asTensor), attributes),
    };
    // Under lifetimes of their own: an op may hand the gradient it got to several inputs.
    return gradient(context).map((value) =>
      value === null ? null : revived(device, { operand: asTensor(value).operand('gradient') }),
    );
  });
  entry.inputs.forEach(({ id, operand }, index) => {
    const result = results[index] ?? null;
    if (result === null || !tape.tracks(id)) return;
    if (result.shape.join() !== operand.spec.shape.join()) {
      throw new EkphrasisError(
        `${entry.op}: its gradient for input ${index} is ${describe(result)}, the input is ${describe(operand.spec)}`,
      );
    }
    const known = gradientOf.get(id);
    gradientOf.set(id, known ? known.add(result) : result);
    if (!known) return;
    known.dispose();
    result.dispose();
  });
}

function asTensor(value: Value): Tensor {
  if (value instanceof Tensor) return value;
  throw new EkphrasisError(
    `gradient: ${describe(value)} is not a tensor; pass only values that the context gave`,
  );
}
