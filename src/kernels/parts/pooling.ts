import poolSource from '../../../shaders/pool.wgsl';
import { checkDType, checkRank } from '../op/checks.ts';
import type { AdapterFacts, CallSpecs, GpuCall, Launch, Sample, Shader, SimdCall } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { elementCount, type Shape, type TensorSpec } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from './grid.ts';
import {
  type Padding,
  type WindowGeometry,
  windowArguments,
  windowGeometry,
  windowUniforms,
} from './window.ts';

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

export function poolGeometry(
  op: string,
  input: Shape,
  { size, strides, padding }: PoolAttributes,
): WindowGeometry {
  return windowGeometry(op, input, size, { strides, padding, dilations: [1, 1] });
}

export function inferPool(op: string, x: TensorSpec, attributes: PoolAttributes): TensorSpec {
  checkDType(op, 'x', x, 'float32');
  checkRank(op, 'x', x, 4, '[batch, height, width, channels]');
  const { batch, outputHeight, outputWidth, channels } = poolGeometry(op, x.shape, attributes);
  return { shape: [batch, outputHeight, outputWidth, channels], dtype: 'float32' };
}

/**
 * Calls `visit` for every output position with the offset of its first output element and, clipped to the input, the
 * rows [firstRow, endRow) and columns [firstColumn, endColumn) of its window in image `image`.
 */
export function walkWindows(
  geometry: WindowGeometry,
  visit: (
    image: number,
    firstRow: number,
    endRow: number,
    firstColumn: number,
    endColumn: number,
    output: number,
  ) => void,
): void {
  const { batch, height, width, channels, windowHeight, windowWidth, outputHeight, outputWidth } = geometry;
  let output = 0;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < outputHeight; row++) {
      const y = row * geometry.strideY - geometry.paddingTop;
      for (let column = 0; column < outputWidth; column++) {
        const x = column * geometry.strideX - geometry.paddingLeft;
        visit(
          image,
          Math.max(0, y),
          Math.min(height, y + windowHeight),
          Math.max(0, x),
          Math.min(width, x + windowWidth),
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
  const { shape } = inputSpecs[0];
  const geometry = poolGeometry(op, shape, attributes);
  const target = y + 4 * placement.offset;
  const maximum = op === 'maxPool' ? 1 : 0;
  const lines = geometry.batch * geometry.outputHeight;
  const line = geometry.outputWidth * geometry.channels * geometry.windowHeight * geometry.windowWidth;
  const windows = windowArguments(geometry, shape[3]);
  run('pool', [x, target, placement.stride, maximum, ...windows], lines, 0.2 * line);
  return true;
}

/** How pool.wgsl reduces a window: a hook with `fold` and `finish`, and the Element that it begins with. */
export interface PoolHook {
  readonly hook: Shader;
  readonly initial: string;
}

/**
 * The launch of the pooling `op`, which writes where the call's placement says. Four channels at a time where all lies at
 * multiples of four, which takes two fifths of the time on lavapipe, half of it on SwiftShader.
 */
export function placedPoolLaunch(
  op: 'maxPool' | 'averagePool',
  { hook, initial }: PoolHook,
  { inputs, outputs, attributes, adapter, placement: { stride, offset } }: GpuCall<PoolAttributes>,
): Launch {
  const geometry = poolGeometry(op, inputs[0].shape, attributes);
  const vectors = [geometry.channels, stride, offset].every((size) => size % 4 === 0);
  const width = vectors ? 4 : 1;
  const narrow = { ...geometry, channels: geometry.channels / width };
  const over = [...outputs[0].shape.slice(0, 3), narrow.channels];
  const launch = poolLaunch({ name: 'pool', source: poolSource }, narrow, over, adapter);
  return {
    ...launch,
    hooks: [hook],
    constants: { Element: vectors ? 'vec4<f32>' : 'f32', INITIAL: initial },
    uniforms: { ...launch.uniforms, yStride: stride / width, yOffset: offset / width },
  };
}

/** A launch with one invocation per element of `over`, given the geometry as uniforms. */
export function poolLaunch(
  shader: Shader,
  geometry: WindowGeometry,
  over: Shape,
  adapter: AdapterFacts,
): Launch {
  const count = elementCount(over);
  const { windowHeight, windowWidth } = geometry;
  return {
    shader,
    uniforms: { count, ...windowUniforms(geometry), windowHeight, windowWidth },
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
