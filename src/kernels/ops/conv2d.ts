import source from '../../../shaders/conv2d.wgsl';
import { type GemmProblem, gemmLaunches } from '../gemm/gemm.ts';
import { gemmVariants } from '../gemm/gemm-variants.ts';
import { DTypeError, ShapeError } from '../op/errors.ts';
import type { OpDefinition, Placement, Sample, Value } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { describe, type TensorSpec } from '../op/spec.ts';
import { type Activation, activations } from '../parts/activation.ts';
import { throughActivation } from '../parts/gradients.ts';
import { multiply } from '../parts/simd-product.ts';
import {
  convolutionFlops,
  isPointwise,
  type WindowAttributes,
  type WindowGeometry,
  windowArguments,
  windowGeometry,
  windowUniforms,
} from '../parts/window.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    conv2d: Conv2DAttributes;
  }
}

export interface Conv2DAttributes extends WindowAttributes {
  readonly activation: Activation;
}

/** Reads the sizes from x [N, H, W, C] and kernel [kh, kw, C, O]; throws ShapeError or DTypeError. */
export function conv2dGeometry(inputs: readonly TensorSpec[], attributes: WindowAttributes): WindowGeometry {
  const given = `conv2d: ${inputs.map(describe).join(', ')} given, `;
  const expected = 'expected x [N, H, W, C], kernel [kh, kw, C, O], bias? [O]';
  if (inputs.length < 2 || inputs.length > 3) throw new ShapeError(`${given}${expected}`);
  if (inputs.some((input) => input.dtype !== 'float32')) {
    throw new DTypeError(`${given}all of float32 expected; cast them first`);
  }
  const [x, kernel, bias] = inputs;
  if (kernel.shape.length !== 4 || x.shape.length !== 4 || kernel.shape[2] !== x.shape[3]) {
    throw new ShapeError(`${given}${expected} with the same C; images are NHWC`);
  }
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== kernel.shape[3])) {
    throw new ShapeError(`${given}a bias of shape [${kernel.shape[3]}] expected`);
  }
  return windowGeometry('conv2d', x.shape, [kernel.shape[0], kernel.shape[1]], attributes);
}

/** Cross-correlation of images with a kernel, as deep learning calls convolution, with a bias and an activation. */
export const conv2d: OpDefinition<Conv2DAttributes> = {
  name: 'conv2d',
  summary: 'x [N, H, W, C], kernel [kh, kw, C, O], bias? [O] -> activation(x ∗ kernel + bias) [N, H′, W′, O]',
  places: true,

  infer(inputs, attributes) {
    const { batch, outputHeight, outputWidth } = conv2dGeometry(inputs, attributes);
    return [{ shape: [batch, outputHeight, outputWidth, inputs[1].shape[3]], dtype: 'float32' }];
  },

  cpu({ inputs: [x, kernel, bias], inputSpecs, outputs: [y], attributes }) {
    const geometry = conv2dGeometry(inputSpecs, attributes);
    const { batch, height, width, channels, outputHeight, outputWidth } = geometry;
    const outputs = inputSpecs[1].shape[3];
    const activate = activations[attributes.activation].value;
    const sums = new Float64Array(outputs);
    let target = 0;
    for (let n = 0; n < batch; n++) {
      for (let oy = 0; oy < outputHeight; oy++) {
        for (let ox = 0; ox < outputWidth; ox++) {
          for (let o = 0; o < outputs; o++) sums[o] = bias ? bias[o] : 0;
          for (let ky = 0; ky < geometry.windowHeight; ky++) {
            const iy = oy * geometry.strideY - geometry.paddingTop + ky * geometry.dilationY;
            if (iy < 0 || iy >= height) continue;
            for (let kx = 0; kx < geometry.windowWidth; kx++) {
              const ix = ox * geometry.strideX - geometry.paddingLeft + kx * geometry.dilationX;
              if (ix < 0 || ix >= width) continue;
              const pixel = ((n * height + iy) * width + ix) * channels;
              const tap = (ky * geometry.windowWidth + kx) * channels;
              for (let c = 0; c < channels; c++) {
                const value = x[pixel + c];
                const row = (tap + c) * outputs;
                for (let o = 0; o < outputs; o++) sums[o] += value * kernel[row + o];
              }
            }
          }
          for (let o = 0; o < outputs; o++) y[target++] = activate(sums[o]);
        }
      }
    }
  },

  simd(call) {
    const {
      inputs: [x, kernel, bias],
      inputSpecs,
      outputs: [y],
      attributes,
      placement,
    } = call;
    const geometry = conv2dGeometry(inputSpecs, attributes);
    const outputs = inputSpecs[1].shape[3];
    const { channels } = geometry;
    const windows = windowArguments(geometry, outputs);
    multiply(call, {
      a: isPointwise(geometry)
        ? { address: x, leading: channels, transposed: false }
        : { image: x, windows, spacing: [1, 1], transposed: false },
      b: { address: kernel, leading: outputs, transposed: false },
      bias: bias ?? 0,
      c: y + 4 * placement.offset,
      cLeading: placement.stride,
      rows: geometry.batch * geometry.outputHeight * geometry.outputWidth,
      columns: outputs,
      depth: geometry.windowHeight * geometry.windowWidth * channels,
      activation: attributes.activation,
    });
    return true;
  },

  variants({ inputs, attributes, adapter, placement }) {
    return gemmVariants(problemOf(inputs, attributes, placement), adapter);
  },

  wgsl({ inputs, attributes, adapter, placement }, variant) {
    const bias = inputs.length === 3 ? { input: 2 } : undefined;
    const bindings = { a: { input: 0 }, b: { input: 1 }, y: { output: 0 }, bias };
    return gemmLaunches(problemOf(inputs, attributes, placement), variant, bindings, adapter);
  },

  // Of bias and activation no account is taken, as is custom.
  flops: ({ inputs, outputs: [y], attributes }) =>
    convolutionFlops(conv2dGeometry(inputs, attributes), y.shape[3]),

  gradient(context) {
    const { inputs, outputs, attributes, needs } = context;
    const [x, kernel, bias] = inputs;
    const { strides, padding, dilations, activation } = attributes;
    const g = throughActivation(context, activation, outputs[0], context.gradients[0]);
    const result: (Value | null)[] = [
      needs[0]
        ? context.run('conv2dGradientInput', [g, kernel], {
            inputShape: x.shape,
            strides,
            padding,
            dilations,
          })
        : null,
      needs[1]
        ? context.run('conv2dGradientKernel', [x, g], {
            kernelShape: kernel.shape,
            strides,
            padding,
            dilations,
          })
        : null,
    ];
    if (bias)
      result.push(needs[2] ? context.run('sum', [g], { axes: [0, 1, 2], keepDimensions: false }) : null);
    return result;
  },

  samples,
};

/** The convolution as a product of output pixels × (taps × channels) with the kernel. */
function problemOf(
  inputs: readonly TensorSpec[],
  attributes: Conv2DAttributes,
  placement: Placement,
): GemmProblem {
  const geometry = conv2dGeometry(inputs, attributes);
  const { batch, height, width, channels, windowHeight, windowWidth, outputHeight, outputWidth } = geometry;
  const reaches = (size: number, outputs: number, stride: number, window: number, dilation: number) =>
    (outputs - 1) * stride + (window - 1) * dilation >= size;
  const padded =
    geometry.paddingTop > 0 ||
    geometry.paddingLeft > 0 ||
    reaches(height, outputHeight, geometry.strideY, windowHeight, geometry.dilationY) ||
    reaches(width, outputWidth, geometry.strideX, windowWidth, geometry.dilationX);
  const wholeLines = !padded && geometry.dilationX === 1;
  const outputs = inputs[1].shape[3];
  const segmentsPerLine = wholeLines ? 1 : windowWidth;
  const depth = wholeLines ? windowWidth * channels : channels;
  return {
    batches: 1,
    rows: batch * outputHeight * outputWidth,
    columns: outputs,
    segments: windowHeight * segmentsPerLine,
    depth,
    aBatch: 0,
    aRow: 0,
    aDepth: 1,
    bBatch: 0,
    bSegment: depth * outputs,
    bDepth: outputs,
    bColumn: 1,
    placement,
    activation: attributes.activation,
    rowHook: {
      shader: { name: 'conv2d', source },
      uniforms: {
        ...windowUniforms(geometry),
        segmentsPerLine,
        dilationY: geometry.dilationY,
        dilationX: geometry.dilationX,
      },
      startUnit: channels,
      guarded: padded,
    },
  };
}

function samples(): Sample<Conv2DAttributes>[] {
  const plain: Conv2DAttributes = {
    strides: [1, 1],
    padding: 'same',
    dilations: [1, 1],
    activation: 'linear',
  };
  const of = (
    name: string,
    x: number[],
    kernel: number[],
    attributes: Partial<Conv2DAttributes> = {},
    bias = false,
    differentiable = true,
  ): Sample<Conv2DAttributes> => ({
    name,
    inputs: [floatSample(x, 1), floatSample(kernel, 2), ...(bias ? [floatSample([kernel[3]], 3)] : [])],
    attributes: { ...plain, ...attributes },
    differentiable,
  });
  return [
    of('one pixel', [1, 1, 1, 1], [1, 1, 1, 1]),
    of('1×1, bias', [2, 3, 4, 5], [1, 1, 5, 6], {}, true),
    of('3×3 same', [1, 5, 6, 3], [3, 3, 3, 4]),
    of(
      '3×3 valid, stride 2, relu',
      [2, 7, 8, 3],
      [3, 3, 3, 5],
      { strides: [2, 2], padding: 'valid', activation: 'relu' },
      true,
      false,
    ),
    of(
      'even window same, stride (2, 1)',
      [1, 7, 5, 2],
      [2, 4, 2, 3],
      { strides: [2, 1], activation: 'tanh' },
      true,
    ),
    of('1×7 same', [1, 4, 9, 4], [1, 7, 4, 3]),
    of('dilated (2, 3)', [1, 8, 9, 2], [3, 3, 2, 3], { dilations: [2, 3] }),
    of('dilated, valid, strided', [1, 9, 9, 3], [3, 2, 3, 4], {
      dilations: [2, 1],
      strides: [2, 3],
      padding: 'valid',
    }),
    of('many outputs', [1, 5, 5, 8], [3, 3, 8, 36], {}, true),
    of('window larger than the image', [1, 2, 2, 3], [5, 5, 3, 2]),
  ];
}
