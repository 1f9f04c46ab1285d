import source from '../../../shaders/gather.wgsl';
import { checkDType, checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { NoAttributes, OpDefinition } from '../op/op.ts';
import { floatSample, integerSample, valuesSample } from '../op/samples.ts';
import { describe, elementCount } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    gather: NoAttributes;
  }
}

/** Rows of a table by number, as an embedding looks words up. */
export const gather: OpDefinition<NoAttributes> = {
  name: 'gather',
  summary:
    'table [V, ...], ids int32 [...] -> ids.shape + [...]: rows by number; an id outside 0 … V−1 gives zeros',
  infer(inputs) {
    checkInputCount('gather', inputs, 2);
    const [table, ids] = inputs;
    checkDType('gather', 'ids', ids, 'int32');
    if (table.shape.length === 0) {
      throw new ShapeError(`gather: table is ${describe(table)}, expected rank 1 or more: [rows, ...]`);
    }
    return [{ shape: [...ids.shape, ...table.shape.slice(1)], dtype: table.dtype }];
  },
  cpu({ inputs: [table, ids], inputSpecs, outputs: [y] }) {
    const rows = inputSpecs[0].shape[0];
    const width = elementCount(inputSpecs[0].shape.slice(1));
    for (let n = 0, to = 0; n < ids.length; n++, to += width) {
      const id = ids[n];
      if (id < 0 || id >= rows) y.fill(0, to, to + width);
      else if (width > 32) y.set(table.subarray(id * width, (id + 1) * width), to);
      else for (let i = 0; i < width; i++) y[to + i] = table[id * width + i];
    }
  },
  wgsl({ inputs: [table], outputs, adapter }) {
    const count = elementCount(outputs[0].shape);
    const width = elementCount(table.shape.slice(1));
    return [
      {
        shader: { name: 'gather', source },
        uniforms: { count, width, rows: table.shape[0] },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  // Of the table only the rows that are asked for.
  bytes: ({ inputs: [, ids], outputs: [y] }) => 4 * elementCount(ids.shape) + 8 * elementCount(y.shape),
  gradient: (context) => [
    context.needs[0]
      ? context.run('scatterAdd', [context.inputs[1], context.gradients[0]], {
          rows: context.inputs[0].shape[0],
        })
      : null,
    null,
  ],
  samples: () => [
    {
      name: 'embedding',
      inputs: [floatSample([11, 40], 1), integerSample([3, 5], 2, 0, 11)],
      attributes: {},
    },
    { name: 'narrow', inputs: [floatSample([7, 3], 3), integerSample([9], 4, 0, 7)], attributes: {} },
    { name: 'vector', inputs: [floatSample([7], 5), integerSample([2, 2], 6, 0, 7)], attributes: {} },
    { name: 'one id', inputs: [floatSample([4, 2, 3], 7), valuesSample([], [3], 'int32')], attributes: {} },
    {
      name: 'outside',
      inputs: [floatSample([4, 3], 8), valuesSample([5], [-1, 0, 4, 3, 2 ** 30], 'int32')],
      attributes: {},
    },
    {
      name: 'int32',
      inputs: [integerSample([5, 2], 9, -99, 99), integerSample([4], 10, 0, 5)],
      attributes: {},
    },
  ],
};
