import { ShapeError } from '../op/errors.ts';
import type { Shape } from '../op/spec.ts';

/** Keras's paddings: 'same' gives ceil(size / stride) outputs, 'valid' only whole windows. */
export type Padding = 'same' | 'valid';

export type Pair = readonly [number, number];

/** How windows slide over images; pairs are (vertical, horizontal). */
export interface WindowAttributes {
  readonly strides: Pair;
  readonly padding: Padding;
  readonly dilations: Pair;
}

/** Where the windows of a convolution or pooling lie on images [batch, height, width, channels]. */
export interface WindowGeometry {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly windowHeight: number;
  readonly windowWidth: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  /** Rows (columns) of padding before the first row (column); the odd one of 'same' comes after the last. */
  readonly paddingTop: number;
  readonly paddingLeft: number;
  readonly dilationY: number;
  readonly dilationX: number;
}

/**
 * Geometry of windows of `size` (height, width) on images of shape [N, H, W, C]. Output (oy, ox) sees the pixels
 * (oy·strideY − paddingTop + ky·dilationY, ox·strideX − paddingLeft + kx·dilationX). Throws ShapeError naming `op`.
 */
export function windowGeometry(
  op: string,
  shape: Shape,
  size: Pair,
  attributes: WindowAttributes,
): WindowGeometry {
  if (shape.length !== 4) {
    throw new ShapeError(
      `${op}: images of shape [${shape.join(', ')}] given, rank 4 expected: [batch, height, width, channels]`,
    );
  }
  const { strides, padding, dilations } = attributes;
  requirePositive(op, 'window size', size);
  requirePositive(op, 'strides', strides);
  requirePositive(op, 'dilations', dilations);
  if (padding !== 'same' && padding !== 'valid') {
    throw new ShapeError(`${op}: padding '${String(padding)}' given, expected 'same' or 'valid'`);
  }
  const [batch, height, width, channels] = shape;
  const vertical = along(op, 'height', height, size[0], strides[0], dilations[0], padding);
  const horizontal = along(op, 'width', width, size[1], strides[1], dilations[1], padding);
  return {
    batch,
    height,
    width,
    channels,
    windowHeight: size[0],
    windowWidth: size[1],
    outputHeight: vertical.count,
    outputWidth: horizontal.count,
    strideY: strides[0],
    strideX: strides[1],
    paddingTop: vertical.before,
    paddingLeft: horizontal.before,
    dilationY: dilations[0],
    dilationX: dilations[1],
  };
}

function requirePositive(op: string, what: string, pair: Pair): void {
  if (pair.length !== 2 || !pair.every((value) => Number.isInteger(value) && value > 0)) {
    throw new ShapeError(`${op}: ${what} [${pair.join(', ')}] given, expected two positive integers`);
  }
}

function along(
  op: string,
  side: string,
  size: number,
  window: number,
  stride: number,
  dilation: number,
  padding: Padding,
): { count: number; before: number } {
  const extent = (window - 1) * dilation + 1;
  if (padding === 'valid') {
    if (size < extent) {
      throw new ShapeError(
        `${op}: a window that spans ${extent} does not fit an image of ${side} ${size}; ` +
          "use padding 'same', a smaller window or a larger image",
      );
    }
    return { count: Math.floor((size - extent) / stride) + 1, before: 0 };
  }
  const count = Math.ceil(size / stride);
  return { count, before: Math.floor(Math.max((count - 1) * stride + extent - size, 0) / 2) };
}

/** The sizes that shaders on windows take as uniforms. */
export function windowUniforms(geometry: WindowGeometry) {
  const { height, width, channels, outputHeight, outputWidth } = geometry;
  const { strideY, strideX, paddingTop, paddingLeft } = geometry;
  return {
    height,
    width,
    channels,
    outputHeight,
    outputWidth,
    strideY,
    strideX,
    paddingTop,
    paddingLeft,
  };
}

/** Operations of a convolution with `outputs` output channels, or of either of its gradients: all sum the same products. */
export function convolutionFlops(geometry: WindowGeometry, outputs: number): number {
  const { batch, outputHeight, outputWidth, windowHeight, windowWidth, channels } = geometry;
  return 2 * batch * outputHeight * outputWidth * outputs * windowHeight * windowWidth * channels;
}

/** A convolution's sizes in the order in which the SIMD kernels take them. */
export type WindowArguments = readonly [
  batch: number,
  height: number,
  width: number,
  channels: number,
  kernelHeight: number,
  kernelWidth: number,
  outputs: number,
  outputHeight: number,
  outputWidth: number,
  strideY: number,
  strideX: number,
  paddingTop: number,
  paddingLeft: number,
  dilationY: number,
  dilationX: number,
];

/** The sizes of a convolution with `outputs` output channels, for the SIMD kernels. */
export function windowArguments(geometry: WindowGeometry, outputs: number): WindowArguments {
  return [
    geometry.batch,
    geometry.height,
    geometry.width,
    geometry.channels,
    geometry.windowHeight,
    geometry.windowWidth,
    outputs,
    geometry.outputHeight,
    geometry.outputWidth,
    geometry.strideY,
    geometry.strideX,
    geometry.paddingTop,
    geometry.paddingLeft,
    geometry.dilationY,
    geometry.dilationX,
  ];
}

/** Whether each window is one pixel and none is left out: the convolution is a product of [pixels, channels]. */
export function isPointwise({ windowHeight, windowWidth, strideY, strideX }: WindowGeometry): boolean {
  return windowHeight === 1 && windowWidth === 1 && strideY === 1 && strideX === 1;
}
