import { activeTape, type RecordedGradient, withTape } from './tape.ts';
import { recorded, revived, type Tensor } from './tensor.ts';

export interface Forward {
  readonly outputs: readonly Tensor[];
  /** Tensors that the gradient will want again. */
  readonly saved: readonly Tensor[];
}

export interface Backward {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly saved: readonly Tensor[];
  /** Gradient of the loss with respect to each output; zeros where it was not used. */
  readonly gradients: readonly Tensor[];
  /** Which inputs need a gradient. */
  readonly needs: readonly boolean[];
}

/**
 * A function of tensors whose gradient is written by hand, for where the gradient of the whole is cheaper than those
 * of its ops one after the other. `forward` runs unrecorded; `backward` gives a gradient per input, or null.
 */
export function customGradient(
  name: string,
  inputs: readonly Tensor[],
  forward: () => Forward,
  backward: (context: Backward) => (Tensor | null)[],
): readonly Tensor[] {
  const { outputs, saved } = withTape(null, forward);
  const { device } = inputs[0];
  const remember = (tensors: readonly Tensor[]) => tensors.map((tensor) => recorded(tensor, name));
  const kept = remember(saved);
  const gradient: RecordedGradient = (context) =>
    backward({
      // The values of a gradient's context are tensors; autograd checks what comes back.
      inputs: context.inputs as readonly Tensor[],
      outputs: context.outputs as readonly Tensor[],
      gradients: context.gradients as readonly Tensor[],
      saved: kept.map((each) => revived(device, each)),
      needs: context.needs,
    });
  activeTape()?.record({
    op: name,
    gradient,
    attributes: {},
    device,
    inputs: remember(inputs),
    outputs: remember(outputs),
    saved: kept,
  });
  return outputs;
}
