import type { Activation } from '../../kernels/parts/activation.ts';
import { customGradient } from '../../tensor/custom-gradient.ts';
import { concat, firstRows, lstmGates, matmul } from '../../tensor/functions.ts';
import { executeAll, type Tensor } from '../../tensor/tensor.ts';
import { addRows, moreRows, stepsOf, zerosLike } from './packed-rows.ts';

export interface LSTMState {
  /** Hidden state [B, units]. */
  readonly h: Tensor;
  /** Cell state [B, units]. */
  readonly c: Tensor;
}

export interface LSTMSequence {
  /** The inputs' part of the pre-activations [R, 4U], time-major and packed. */
  readonly projected: Tensor;
  /** Added at every step [B, 4U], or null. */
  readonly context: Tensor | null;
  /** [U, 4U] */
  readonly recurrentKernel: Tensor;
  /** Before the first step, [B, U]. */
  readonly state: LSTMState;
  /** Sentences of each step, falling. */
  readonly active: readonly number[];
  readonly activation: Activation;
  readonly recurrentActivation: Activation;
}

/**
 * The hidden states [R, U] of an LSTM over packed sentences. The gradient goes back through time by hand (Werbos
 * 1990): the recurrent kernel's gradient is one GEMM over all steps. Left to autograd it is one thin GEMM and one
 * addition of a whole kernel a step, which took 30 % of a training step of the captioner on the CPU device.
 */
export function lstmSequence(sequence: LSTMSequence): Tensor {
  const { projected, context, recurrentKernel, state } = sequence;
  const inputs = [projected, recurrentKernel, state.h, state.c, ...(context ? [context] : [])];
  return customGradient(
    'lstmSequence',
    inputs,
    () => forward(sequence),
    (backwards) => {
      const { gradients, inputs, saved } = backwards;
      return backward(sequence, inputs[1], gradients[0], saved);
    },
  )[0];
}

/** Saves, per step, the pre-activations and the states before and after: z, h, c, c′. */
function forward(sequence: LSTMSequence) {
  const { projected, context, recurrentKernel, active, activation, recurrentActivation } = sequence;
  let { h, c } = sequence.state;
  const saved: Tensor[] = [];
  const hidden = stepsOf(projected, active).map((word, step) => {
    const count = active[step];
    const [before, cell] = [h, c].map((tensor) => firstRows(tensor, count));
    const entered = context ? word.add(firstRows(context, count)) : word;
    const z = entered.add(matmul(before, recurrentKernel));
    ({ h, c } = lstmGates(z, cell, activation, recurrentActivation));
    saved.push(z, before, cell, c);
    return h;
  });
  return { outputs: [concat(hidden, 0)], saved };
}

function backward(
  { active, activation, recurrentActivation, state, context }: LSTMSequence,
  recurrentKernel: Tensor,
  gradient: Tensor,
  saved: readonly Tensor[],
): Tensor[] {
  const steps = stepsOf(gradient, active);
  const gates: Tensor[] = [];
  let hidden: Tensor | null = null;
  let cell: Tensor | null = null;
  let added: Tensor | null = null;
  for (let step = active.length - 1; step >= 0; step--) {
    const count = active[step];
    const [z, , before, after] = saved.slice(4 * step, 4 * step + 4);
    const ofHidden: Tensor = addRows(hidden, steps[step]);
    const ofCell: Tensor = cell ? moreRows(cell, count) : zerosLike(after);
    const attributes = { activation, recurrentActivation };
    const results: Tensor[] = executeAll(
      'lstmGatesGradient',
      [z, before, after, ofHidden, ofCell],
      attributes,
    );
    const [ofGates, ofBefore] = results;
    gates.push(ofGates);
    hidden = matmul(ofGates, recurrentKernel, { transposeB: true });
    cell = ofBefore;
    if (context) added = addRows(added, ofGates);
  }
  const all = concat(gates.reverse(), 0);
  const states = concat(
    active.map((_, step) => saved[4 * step + 1]),
    0,
  );
  const sentences = state.h.shape[0];
  const initial = [hidden, cell, ...(added ? [added] : [])].map((x) => moreRows(x as Tensor, sentences));
  return [all, matmul(states, all, { transposeA: true }), ...initial];
}
