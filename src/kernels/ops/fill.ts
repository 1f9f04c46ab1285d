import source from '../../../shaders/fill.wgsl';
import { checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { type DType, elementCount, type Shape } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';

export interface FillAttributes {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly value: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    fill: FillAttributes;
  }
}

/** The 32 bits of an element, for kernels that move elements without looking at them. */
export function elementBits(value: number, dtype: DType): number {
  const element = dtype === 'int32' ? Int32Array.of(value) : Float32Array.of(value);
  return new Uint32Array(element.buffer)[0];
}

/** A tensor of one value. */
export const fill: OpDefinition<FillAttributes> = {
  name: 'fill',
  summary: '-> [shape]: every element is `value`',
  infer(inputs, { shape, dtype }) {
    checkInputCount('fill', inputs, 0);
    if (!shape.every((size) => Number.isInteger(size) && size >= 0)) {
      throw new ShapeError(`fill: shape [${shape.join(', ')}] given; sizes must be whole numbers from 0`);
    }
    return [{ shape, dtype }];
  },
  cpu({ outputs, attributes }) {
    outputs[0].fill(attributes.value);
  },
  wgsl({ attributes, adapter }) {
    const count = elementCount(attributes.shape);
    return [
      {
        shader: { name: 'fill', source },
        uniforms: { count, bits: elementBits(attributes.value, attributes.dtype) },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: () => [],
  samples: () => [
    { name: 'matrix', inputs: [], attributes: { shape: [3, 5], dtype: 'float32', value: -1.5 } },
    { name: 'scalar', inputs: [], attributes: { shape: [], dtype: 'float32', value: 0.1 } },
    { name: 'int32', inputs: [], attributes: { shape: [70], dtype: 'int32', value: -7 } },
  ],
};
