import { checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample } from '../op/samples.ts';
import { describe, elementCount, type Shape } from '../op/spec.ts';

export interface ReshapeAttributes {
  /** New sizes; one may be -1, which stands for what is left. */
  readonly shape: Shape;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    reshape: ReshapeAttributes;
  }
}

/** The same elements in the same order under another shape: a view, no kernel runs. */
export const reshape: OpDefinition<ReshapeAttributes> = {
  name: 'reshape',
  summary: 'x [...] -> [shape]: the same elements in order; one size may be -1',
  view: true,
  infer(inputs, { shape }) {
    checkInputCount('reshape', inputs, 1);
    const [x] = inputs;
    const count = elementCount(x.shape);
    const open = shape.indexOf(-1);
    const known = elementCount(shape.filter((size) => size !== -1));
    const resolved = open < 0 ? shape : shape.map((size, axis) => (axis === open ? count / known : size));
    const whole = resolved.every((size) => Number.isInteger(size) && size >= 0);
    if (!whole || elementCount(resolved) !== count) {
      throw new ShapeError(
        `reshape: ${describe(x)} has ${count} elements and cannot become [${shape.join(', ')}]; ` +
          'sizes must multiply to that number, with at most one -1',
      );
    }
    return [{ shape: resolved, dtype: x.dtype }];
  },
  cpu({ inputs, outputs }) {
    outputs[0].set(inputs[0]);
  },
  wgsl: () => [],
  gradient: (context) => [context.run('reshape', [context.gradients[0]], { shape: context.inputs[0].shape })],
  samples: () => [
    { name: 'flatten', inputs: [floatSample([2, 3, 4], 1)], attributes: { shape: [24] } },
    { name: 'open', inputs: [floatSample([2, 3, 4], 2)], attributes: { shape: [3, -1] } },
    { name: 'scalar', inputs: [floatSample([1, 1], 3)], attributes: { shape: [] } },
    { name: 'int32', inputs: [integerSample([6], 4, -9, 9)], attributes: { shape: [2, 3] } },
  ],
};
