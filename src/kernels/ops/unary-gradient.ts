import source from '../../../shaders/unary-gradient.wgsl';
import { checkAlike, checkInputCount } from '../op/checks.ts';
import { UnsupportedError } from '../op/errors.ts';
import type { OpDefinition, Sample } from '../op/op.ts';
import { floatSample, valuesSample } from '../op/samples.ts';
import { elementCount } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { operationNumber, UnarySlope } from '../parts/simd-operations.ts';
import { elementUnits, UNIT_ELEMENTS } from '../parts/simd-units.ts';
import { type UnaryName, unaryRows } from './unary.ts';

export interface UnaryGradientAttributes {
  /** The function whose gradient it is. */
  readonly operation: UnaryName;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    unaryGradient: UnaryGradientAttributes;
  }
}

function slopeOf(operation: UnaryName) {
  const { slope } = unaryRows[operation];
  if (!slope) throw new UnsupportedError(`unaryGradient: ${operation} has no gradient`);
  return slope;
}

/** Backward pass of a function of one tensor. Where its slope is one of the result, the operand need not be kept. */
export const unaryGradient: OpDefinition<UnaryGradientAttributes> = {
  name: 'unaryGradient',
  summary:
    'x or y [...], g [...] -> [...]: g times the slope of `operation`, from its operand x or its result y, whichever the ' +
    'slope is a function of',
  infer(inputs, { operation }) {
    checkInputCount('unaryGradient', inputs, 2);
    checkAlike('unaryGradient', inputs);
    slopeOf(operation);
    return [inputs[0]];
  },
  cpu({ inputs: [operand, g], outputs: [dx], attributes: { operation } }) {
    const { value } = slopeOf(operation);
    for (let i = 0; i < dx.length; i++) dx[i] = g[i] * value(operand[i]);
  },
  simd({ inputs: [operand, g], outputs: [dx], outputSpecs, attributes: { operation }, run }) {
    const count = elementCount(outputSpecs[0].shape);
    const number = operationNumber(UnarySlope, operation);
    if (number === undefined || count < 4) return false;
    run('unaryGradient', [number, operand, g, dx, count], elementUnits(count), 0.4 * UNIT_ELEMENTS);
    return true;
  },
  wgsl({ outputs, attributes: { operation }, adapter }) {
    const count = elementCount(outputs[0].shape);
    const { of, wgsl } = slopeOf(operation);
    return [
      {
        shader: { name: 'unary-gradient', source },
        hooks: [{ name: `${operation}-slope`, source: `fn slope(${of}: f32) -> f32 { return ${wgsl}; }` }],
        uniforms: { count },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  flops: ({ outputs: [{ shape }] }) => elementCount(shape),
  gradient: 'none',
  samples() {
    const names = (Object.keys(unaryRows) as UnaryName[]).filter((name) => unaryRows[name].slope);
    return names.map((operation): Sample<UnaryGradientAttributes> => {
      const { loop, slope, domain, kink } = unaryRows[operation];
      const kinks = kink === undefined ? [] : [kink, -kink];
      const x = [...kinks, ...floatSample([3, 23], 3, ...domain).data.slice(kinks.length)];
      const y = new Float64Array(x.length);
      loop(Float64Array.from(x), y);
      const operand = slope?.of === 'x' ? x : [...y];
      return {
        name: operation,
        inputs: [valuesSample([3, 23], operand), floatSample([3, 23], 4)],
        attributes: { operation },
      };
    });
  },
};
