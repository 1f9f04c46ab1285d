import source from '../../../shaders/scatter-add.wgsl';
import { checkDType, checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample, valuesSample } from '../op/samples.ts';
import { describe, elementCount, sameShape } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';

export interface ScatterAddAttributes {
  /** Rows of the output. */
  readonly rows: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    scatterAdd: ScatterAddAttributes;
  }
}

/** Rows added into a table of zeros by number, always in the order of the ids: the backward pass of gather. */
export const scatterAdd: OpDefinition<ScatterAddAttributes> = {
  name: 'scatterAdd',
  summary:
    'ids int32 [...], updates ids.shape + [...] -> [rows, ...]: each update added to the row of its id',
  infer(inputs, { rows }) {
    checkInputCount('scatterAdd', inputs, 2);
    const [ids, updates] = inputs;
    checkDType('scatterAdd', 'ids', ids, 'int32');
    checkDType('scatterAdd', 'updates', updates, 'float32');
    const depth = ids.shape.length;
    if (!sameShape(updates.shape.slice(0, depth), ids.shape)) {
      throw new ShapeError(
        `scatterAdd: ids are ${describe(ids)} and updates ${describe(updates)}; ` +
          'the shape of the updates must begin with that of the ids',
      );
    }
    return [{ shape: [rows, ...updates.shape.slice(depth)], dtype: 'float32' }];
  },
  cpu({ inputs: [ids, updates], outputs: [y], outputSpecs, attributes: { rows } }) {
    const width = elementCount(outputSpecs[0].shape.slice(1));
    // Updates of a row as a chain, so that each row is summed in float64 and written once.
    const first = new Int32Array(rows).fill(-1);
    const next = new Int32Array(ids.length);
    for (let n = ids.length - 1; n >= 0; n--) {
      const id = ids[n];
      if (id < 0 || id >= rows) continue;
      next[n] = first[id];
      first[id] = n;
    }
    const sums = new Float64Array(width);
    for (let row = 0; row < rows; row++) {
      if (first[row] < 0) {
        y.fill(0, row * width, (row + 1) * width);
        continue;
      }
      sums.fill(0);
      for (let n = first[row]; n >= 0; n = next[n]) {
        const from = n * width;
        for (let i = 0; i < width; i++) sums[i] += updates[from + i];
      }
      y.set(sums, row * width);
    }
  },
  wgsl({ inputs: [ids], outputs, attributes: { rows }, adapter }) {
    const width = elementCount(outputs[0].shape.slice(1));
    return [
      {
        shader: { name: 'scatter-add', source },
        uniforms: { ids: elementCount(ids.shape), width, rows },
        grid: linearGrid(width, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: (context) => [
    null,
    context.needs[1] ? context.run('gather', [context.gradients[0], context.inputs[0]], {}) : null,
  ],
  samples: () => [
    {
      name: 'embedding',
      inputs: [integerSample([3, 5], 1, 0, 4), floatSample([3, 5, 70], 2)],
      attributes: { rows: 6 },
    },
    { name: 'vector', inputs: [integerSample([9], 3, 0, 4), floatSample([9], 4)], attributes: { rows: 4 } },
    {
      name: 'outside',
      inputs: [valuesSample([4], [-1, 2, 3, 2], 'int32'), floatSample([4, 3], 5)],
      attributes: { rows: 3 },
    },
  ],
};
