import { checkDType, checkRank } from './checks.ts';
import { linearGrid, WORKGROUP_SIZE } from './grid.ts';
import type { AdapterFacts, CallSpecs, GpuCall, Launch, Sample, Shader, SimdCall } from './op.ts';
import { floatSample } from './samples.ts';
import { elementCount, type Shape, type TensorSpec } from './spec.ts';
import { type Padding, windowArguments, windowGeometry } from './window.ts';

export interface PoolAttributes {
  /** Window height and width. */
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: Padding;
}

export interface PoolGradientAttributes extends PoolAttributes {
  /** Shape of the tensor that was pooled. */
  readonly inputShape: Shape;
}

/** The geometry of a pooling: input [batch, height, width, channels], output [batch, rows, columns, channels]. */
export interface PoolGeometry {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
  readonly top: number;
  readonly left: number;
}

export function poolGeometry(op: string, input: Shape, attributes: PoolAttributes): PoolGeometry {
  const { size, strides, padding } = attributes;
  const geometry = windowGeometry(op, input, size, { strides, padding, dilations: [1, 1] });
  const { batch, height, width, channels, outputHeight, outputWidth, paddingTop, paddingLeft } = geometry;
  return {
    batch,
    height,
    width,
    channels,
    rows: outputHeight,
    columns: outputWidth,
    top: paddingTop,
    left: paddingLeft,
  };
}

export function inferPool(op: string, x: TensorSpec, attributes: PoolAttributes): TensorSpec {
  checkDType(op, 'x', x, 'float32');
  checkRank(op, 'x', x, 4, '[batch, height, width, channels]');
  const { batch, rows, columns, channels } = poolGeometry(op, x.shape, attributes);
  return { shape: [batch, rows, columns, channels], dtype: 'float32' };
}

/**
 * Calls `visit` for every output position with the offset of its first output element and, clipped to the input, the
 * rows [firstRow, endRow) and columns [firstColumn, endColumn) of its window in image `image`.
 */
export function walkWindows(
  geometry: PoolGeometry,
  { size, strides }: PoolAttributes,
  visit: (
    image: number,
    firstRow: number,
    endRow: number,
    firstColumn: number,
    endColumn: number,
    output: number,
  ) => void,
): void {
  const { batch, height, width, channels, rows, columns, top, left } = geometry;
  let output = 0;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < rows; row++) {
      const y = row * strides[0] - top;
      for (let column = 0; column < columns; column++) {
        const x = column * strides[1] - left;
        visit(
          image,
          Math.max(0, y),
          Math.min(height, y + size[0]),
          Math.max(0, x),
          Math.min(width, x + size[1]),
          output,
        );
        output += channels;
      }
    }
  }
}

/** One operation for each element of each window. */
export function poolFlops({ outputs: [y], attributes: { size } }: CallSpecs<PoolAttributes>): number {
  return elementCount(y.shape) * size[0] * size[1];
}

/** The pooling `op` on the SIMD kernels, by the largest element or the mean of each window. */
export function simdPool(
  op: 'maxPool' | 'averagePool',
  { inputs: [x], inputSpecs, outputs: [y], attributes, placement, run }: SimdCall<PoolAttributes>,
): boolean {
  const { size, strides, padding } = attributes;
  const { shape } = inputSpecs[0];
  const geometry = windowGeometry(op, shape, size, { strides, padding, dilations: [1, 1] });
  const target = y + 4 * placement.offset;
  const maximum = op === 'maxPool' ? 1 : 0;
  const lines = geometry.batch * geometry.outputHeight;
  const line = geometry.outputWidth * geometry.channels * size[0] * size[1];
  const windows = windowArguments(geometry, shape[3]);
  run('pool', [x, target, placement.stride, maximum, ...windows], lines, 0.2 * line);
  return true;
}

/**
 * The launch of the pooling `op`, which writes where the call's placement says. Four channels at a time where all lies at
 * multiples of four, which takes two fifths of the time on lavapipe, half of it on SwiftShader.
 */
export function placedPoolLaunch(
  op: 'maxPool' | 'averagePool',
  shader: Shader,
  { inputs, outputs, attributes, adapter, placement: { stride, offset } }: GpuCall<PoolAttributes>,
): Launch {
  const geometry = poolGeometry(op, inputs[0].shape, attributes);
  const vectors = [geometry.channels, stride, offset].every((size) => size % 4 === 0);
  const width = vectors ? 4 : 1;
  const narrow = { ...geometry, channels: geometry.channels / width };
  const over = [...outputs[0].shape.slice(0, 3), narrow.channels];
  const launch = poolLaunch(shader, narrow, attributes, over, adapter);
  return {
    ...launch,
    constants: { Element: vectors ? 'vec4<f32>' : 'f32' },
    uniforms: { ...launch.uniforms, yStride: stride / width, yOffset: offset / width },
  };
}

/** A launch with one invocation per element of `over`, given the geometry as uniforms. */
export function poolLaunch(
  shader: Shader,
  geometry: PoolGeometry,
  { size, strides }: PoolAttributes,
  over: Shape,
  adapter: AdapterFacts,
): Launch {
  const count = elementCount(over);
  return {
    shader,
    uniforms: {
      count,
      height: geometry.height,
      width: geometry.width,
      channels: geometry.channels,
      rows: geometry.rows,
      columns: geometry.columns,
      top: geometry.top,
      left: geometry.left,
      windowHeight: size[0],
      windowWidth: size[1],
      strideHeight: strides[0],
      strideWidth: strides[1],
    },
    grid: linearGrid(count, WORKGROUP_SIZE, adapter),
  };
}

/** Poolings that the tests of all four pooling ops run: input shape and attributes. */
export const poolCases: readonly { name: string; shape: Shape; attributes: PoolAttributes }[] = [
  { name: 'valid 3/2', shape: [2, 7, 9, 3], attributes: { size: [3, 3], strides: [2, 2], padding: 'valid' } },
  { name: 'same 3/1', shape: [1, 5, 4, 2], attributes: { size: [3, 3], strides: [1, 1], padding: 'same' } },
  {
    name: 'same 2/2 odd',
    shape: [1, 5, 7, 2],
    attributes: { size: [2, 2], strides: [2, 2], padding: 'same' },
  },
  { name: 'global', shape: [2, 3, 4, 5], attributes: { size: [3, 4], strides: [1, 1], padding: 'valid' } },
  {
    name: 'whole vectors of channels',
    shape: [2, 5, 6, 8],
    attributes: { size: [3, 3], strides: [2, 1], padding: 'same' },
  },
  { name: 'oblong', shape: [1, 6, 5, 1], attributes: { size: [2, 3], strides: [3, 1], padding: 'same' } },
];

export function poolSamples(): Sample<PoolAttributes>[] {
  return poolCases.map(({ name, shape, attributes }, index) => ({
    name,
    inputs: [floatSample(shape, index + 1, -3, 1)],
    attributes,
  }));
}
