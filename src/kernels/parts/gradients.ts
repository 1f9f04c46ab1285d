import type { GradientContext, Value } from '../op/op.ts';
import { type Shape, sameShape } from '../op/spec.ts';
import type { Activation } from './activation.ts';

/** A float32 scalar as a tensor, for gradients that scale. */
export function scalar<A>(context: GradientContext<A>, value: number): Value {
  return context.run('fill', [], { shape: [], dtype: 'float32', value });
}

/** Undoes broadcasting: sums a gradient over the axes along which an operand of `shape` was repeated. */
export function sumToShape<A>(context: GradientContext<A>, gradient: Value, shape: Shape): Value {
  if (sameShape(gradient.shape, shape)) return gradient;
  const missing = gradient.shape.length - shape.length;
  const axes: number[] = [];
  for (let axis = 0; axis < gradient.shape.length; axis++) {
    const repeated = axis < missing || (shape[axis - missing] === 1 && gradient.shape[axis] !== 1);
    if (repeated) axes.push(axis);
  }
  const sum = context.run('sum', [gradient], { axes, keepDimensions: true });
  return sameShape(sum.shape, shape) ? sum : context.run('reshape', [sum], { shape });
}

/** The gradient g of an activation's output y as one of its input. */
export function throughActivation<A>(
  context: GradientContext<A>,
  activation: Activation,
  y: Value,
  g: Value,
): Value {
  return activation === 'linear' ? g : context.run('unaryGradient', [y, g], { operation: activation });
}
