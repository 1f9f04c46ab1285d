import source from '../../../shaders/strided-copy.wgsl';
import type { AdapterFacts, Launch } from '../op/op.ts';
import { elementCount, type NumericArray, type Shape } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from './grid.ts';
import { axesUniform, collapse, walkRuns } from './layout.ts';

/** How an op that only moves elements reads its input: y[p] = x[offset + Σ p·strides], for p over `shape`. */
export interface Reading {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

export function copyStrided(x: NumericArray, y: NumericArray, reading: Reading): void {
  const layout = collapse(reading.shape, reading.strides);
  const inner = layout.shape.length - 1;
  const count = layout.shape[inner];
  const step = layout.strides[0][inner];
  walkRuns(layout, ([runStart], run) => {
    const from = reading.offset + runStart;
    const to = run * count;
    if (step === 0) y.fill(x[from], to, to + count);
    else if (step === 1 && count > 32) y.set(x.subarray(from, from + count), to);
    else for (let n = 0, i = from; n < count; n++, i += step) y[to + n] = x[i];
  });
}

export function stridedCopyLaunch(reading: Reading, adapter: AdapterFacts): Launch {
  const layout = collapse(reading.shape, reading.strides);
  const count = elementCount(reading.shape);
  return {
    shader: { name: 'strided-copy', source },
    constants: { AXES: layout.shape.length },
    uniforms: {
      count,
      offset: reading.offset,
      shape: axesUniform(layout.shape),
      strides: axesUniform(layout.strides[0]),
    },
    grid: linearGrid(count, WORKGROUP_SIZE, adapter),
  };
}
