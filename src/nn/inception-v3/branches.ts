import { Concatenation } from '../../tensor/concatenation.ts';
import { averagePool, concat, maxPool } from '../../tensor/functions.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Branch, Step } from './architecture.ts';
import type { ConvolutionUnit } from './convolution-unit.ts';

/** 3×3 with stride 2, as the halving blocks and the stem pool. */
const halving = { size: [3, 3], strides: [2, 2], padding: 'valid' } as const;
/** 3×3 with stride 1, as the fourth branch of a block begins. */
const smoothing = { size: [3, 3], strides: [1, 1], padding: 'same' } as const;

/**
 * Runs the branches on x [N, H, W, C] with the units that come next and joins their outputs along the channels. Given
 * how many `channels` that makes, each branch's last step writes into its place; null computes the branches apart and
 * copies, as gradients need it. Both give the same elements. What a step made is freed as soon as the next has used it.
 */
export function joinBranches(
  branches: readonly Branch[],
  x: Tensor,
  units: Iterator<ConvolutionUnit>,
  channels: number | null,
): Tensor {
  if (channels === null) return joinCopies(branches, x, units);
  const whole = new Concatenation(channels);
  for (const branch of branches) append(whole, branch, x, units);
  return whole.finish();
}

function append(whole: Concatenation, branch: Branch, x: Tensor, units: Iterator<ConvolutionUnit>): void {
  const value = runSteps(branch.slice(0, -1), x, units);
  const last = branch[branch.length - 1];
  if (last.kind === 'convolution') nextUnit(units).append(whole, value);
  else if (last.kind === 'maxPool') whole.append('maxPool', [value], halving);
  else if (last.kind === 'averagePool') whole.append('averagePool', [value], smoothing);
  else for (const inner of last.branches) append(whole, inner, value, units);
  if (value !== x) value.dispose();
}

function joinCopies(branches: readonly Branch[], x: Tensor, units: Iterator<ConvolutionUnit>): Tensor {
  const parts = branches.map((branch) => runSteps(branch, x, units));
  const whole = concat(parts, 3);
  for (const part of parts) part.dispose();
  return whole;
}

/** The last of the steps' outputs; x itself where there is no step. */
function runSteps(steps: readonly Step[], x: Tensor, units: Iterator<ConvolutionUnit>): Tensor {
  let value = x;
  for (const step of steps) {
    const input = value;
    value = runStep(step, input, units);
    if (input !== x) input.dispose();
  }
  return value;
}

function runStep(step: Step, x: Tensor, units: Iterator<ConvolutionUnit>): Tensor {
  switch (step.kind) {
    case 'convolution':
      return nextUnit(units).forward(x);
    case 'maxPool':
      return maxPool(x, halving);
    case 'averagePool':
      return averagePool(x, smoothing);
    case 'split':
      return joinCopies(step.branches, x, units);
  }
}

function nextUnit(units: Iterator<ConvolutionUnit>): ConvolutionUnit {
  return units.next().value as ConvolutionUnit;
}
