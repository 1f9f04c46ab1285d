import source from '../../../shaders/pad.wgsl';
import { checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample } from '../op/samples.ts';
import { describe, elementCount, stridesOf } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { axesUniform, collapse, walkRuns } from '../parts/layout.ts';
import { elementBits } from './fill.ts';

export interface PadAttributes {
  /** Elements added before and after, per axis. */
  readonly paddings: readonly (readonly [before: number, after: number])[];
  readonly value: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    pad: PadAttributes;
  }
}

/** A border of one value around a tensor. */
export const pad: OpDefinition<PadAttributes> = {
  name: 'pad',
  summary: 'x [...] -> x with `value` added before and after along each axis',
  infer(inputs, { paddings }) {
    checkInputCount('pad', inputs, 1);
    const [x] = inputs;
    const whole = paddings.every((pair) => pair.every((size) => Number.isInteger(size) && size >= 0));
    if (paddings.length !== x.shape.length || !whole) {
      throw new ShapeError(
        `pad: paddings [${paddings.map((pair) => `[${pair.join(', ')}]`).join(', ')}] given for ${describe(x)}; ` +
          'give [before, after], whole numbers from 0, for each axis',
      );
    }
    const shape = x.shape.map((size, axis) => paddings[axis][0] + size + paddings[axis][1]);
    return [{ shape, dtype: x.dtype }];
  },
  cpu({ inputs: [x], inputSpecs, outputs: [y], outputSpecs, attributes: { paddings, value } }) {
    const { shape } = inputSpecs[0];
    const strides = stridesOf(outputSpecs[0].shape);
    const origin = paddings.reduce((sum, [before], axis) => sum + before * strides[axis], 0);
    y.fill(value);
    const layout = collapse(shape, strides);
    const inner = layout.shape.length - 1;
    const count = layout.shape[inner];
    const step = layout.strides[0][inner];
    walkRuns(layout, ([offset], run) => {
      const from = run * count;
      if (step === 1 && count > 32) y.set(x.subarray(from, from + count), origin + offset);
      else for (let n = 0, i = origin + offset; n < count; n++, i += step) y[i] = x[from + n];
    });
  },
  wgsl({ inputs, outputs, attributes, adapter }) {
    const count = elementCount(outputs[0].shape);
    return [
      {
        shader: { name: 'pad', source },
        constants: { AXES: outputs[0].shape.length },
        uniforms: {
          count,
          bits: elementBits(attributes.value, outputs[0].dtype),
          shape: axesUniform(outputs[0].shape),
          before: axesUniform(attributes.paddings.map(([before]) => before)),
          inputShape: axesUniform(inputs[0].shape),
        },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient(context) {
    const begin = context.attributes.paddings.map(([before]) => before);
    return [context.run('slice', [context.gradients[0]], { begin, size: context.inputs[0].shape })];
  },
  samples: () => [
    {
      name: 'image',
      inputs: [floatSample([1, 4, 5, 3], 1)],
      attributes: { paddings: [[0, 0], [1, 2], [3, 0], [0, 0]], value: 0 }, // biome-ignore format: pairs
    },
    { name: 'vector', inputs: [floatSample([5], 2)], attributes: { paddings: [[2, 60]], value: -1.25 } },
    { name: 'columns', inputs: [floatSample([5, 1], 3)], attributes: { paddings: [[0, 0], [1, 1]], value: 3 } }, // biome-ignore format: pairs
    { name: 'scalar', inputs: [floatSample([], 4)], attributes: { paddings: [], value: 3 } },
    { name: 'long rows', inputs: [floatSample([3, 41], 6)], attributes: { paddings: [[0, 2], [1, 3]], value: 0 } }, // biome-ignore format: pairs
    { name: 'int32', inputs: [integerSample([2, 3], 5, -9, 9)], attributes: { paddings: [[1, 0], [0, 1]], value: -4 } }, // biome-ignore format: pairs
  ],
};
