import source from '../../../shaders/cast.wgsl';
import { checkInputCount } from '../op/checks.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample, integerSample, valuesSample } from '../op/samples.ts';
import { type DType, elementCount } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';

export interface CastAttributes {
  readonly dtype: DType;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    cast: CastAttributes;
  }
}

/** Change of element type; a float becomes the integer next to it towards zero. */
export const cast: OpDefinition<CastAttributes> = {
  name: 'cast',
  summary: 'x [...] -> [...] of `dtype`; to int32 truncates towards zero',
  infer(inputs, { dtype }) {
    checkInputCount('cast', inputs, 1);
    return [{ shape: inputs[0].shape, dtype }];
  },
  cpu({ inputs: [x], outputs: [y], outputSpecs }) {
    if (outputSpecs[0].dtype === 'float32') y.set(x);
    else for (let i = 0; i < y.length; i++) y[i] = Math.trunc(x[i]);
  },
  wgsl({ inputs, outputs, adapter }) {
    const count = elementCount(outputs[0].shape);
    return [
      {
        shader: { name: 'cast', source },
        constants: {
          From: inputs[0].dtype === 'int32' ? 'i32' : 'f32',
          To: outputs[0].dtype === 'int32' ? 'i32' : 'f32',
        },
        uniforms: { count },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: ({ gradients, inputs, attributes }) => [
    inputs[0].dtype === 'float32' && attributes.dtype === 'float32' ? gradients[0] : null,
  ],
  samples: () => [
    { name: 'to int32', inputs: [floatSample([7, 11], 1, -9, 9)], attributes: { dtype: 'int32' } },
    { name: 'to float32', inputs: [integerSample([70], 2, -99, 99)], attributes: { dtype: 'float32' } },
    { name: 'same', inputs: [floatSample([5], 3)], attributes: { dtype: 'float32' } },
    { name: 'halves', inputs: [valuesSample([4], [0.5, -0.5, 1.5, -1.5])], attributes: { dtype: 'int32' } },
  ],
};
