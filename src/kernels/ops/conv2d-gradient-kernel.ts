import source from '../../../shaders/conv2d-gradient-kernel.wgsl';
import { type GemmProblem, gemmLaunches } from '../gemm/gemm.ts';
import { gemmVariants } from '../gemm/gemm-variants.ts';
import type { OpDefinition, Sample } from '../op/op.ts';
import { densePlacement } from '../op/placement.ts';
import { floatSample } from '../op/samples.ts';
import { elementCount, type Shape, sameShape, type TensorSpec } from '../op/spec.ts';
import { convolutionGradientGeometry } from '../parts/convolution-gradient.ts';
import { multiply } from '../parts/simd-product.ts';
import {
  convolutionFlops,
  isPointwise,
  type WindowAttributes,
  type WindowGeometry,
  windowArguments,
} from '../parts/window.ts';
import { pad } from './pad.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    conv2dGradientKernel: Conv2DGradientKernelAttributes;
  }
}

export interface Conv2DGradientKernelAttributes extends WindowAttributes {
  /** Shape [kh, kw, C, O] of the convolution's kernel. */
  readonly kernelShape: Shape;
}

function geometryOf(
  inputs: readonly TensorSpec[],
  attributes: Conv2DGradientKernelAttributes,
): WindowGeometry {
  const expected = 'x [N, H, W, C], g [N, H′, W′, O], kernelShape [kh, kw, C, O]';
  return convolutionGradientGeometry('conv2dGradientKernel', expected, inputs, attributes, () => ({
    image: inputs[0].shape,
    kernel: attributes.kernelShape,
    g: inputs[1],
  }));
}

/** Gradient of a convolution with respect to its kernel: each tap correlates what it saw with the outputs' gradient. */
export const conv2dGradientKernel: OpDefinition<Conv2DGradientKernelAttributes> = {
  name: 'conv2dGradientKernel',
  summary: 'x [N, H, W, C], g [N, H′, W′, O] -> gradient of the kernel [kh, kw, C, O] = kernelShape',

  infer(inputs, attributes) {
    geometryOf(inputs, attributes);
    return [{ shape: [...attributes.kernelShape], dtype: 'float32' }];
  },

  cpu({ inputs: [x, g], inputSpecs, outputs: [dk], attributes }) {
    const geometry = geometryOf(inputSpecs, attributes);
    const { batch, height, width, channels, outputHeight, outputWidth } = geometry;
    const outputs = attributes.kernelShape[3];
    const sums = new Float64Array(outputs);
    let target = 0;
    for (let ky = 0; ky < geometry.windowHeight; ky++) {
      for (let kx = 0; kx < geometry.windowWidth; kx++) {
        for (let c = 0; c < channels; c++) {
          sums.fill(0);
          for (let n = 0; n < batch; n++) {
            for (let oy = 0; oy < outputHeight; oy++) {
              const iy = oy * geometry.strideY - geometry.paddingTop + ky * geometry.dilationY;
              if (iy < 0 || iy >= height) continue;
              for (let ox = 0; ox < outputWidth; ox++) {
                const ix = ox * geometry.strideX - geometry.paddingLeft + kx * geometry.dilationX;
                if (ix < 0 || ix >= width) continue;
                const value = x[((n * height + iy) * width + ix) * channels + c];
                const from = ((n * outputHeight + oy) * outputWidth + ox) * outputs;
                for (let o = 0; o < outputs; o++) sums[o] += value * g[from + o];
              }
            }
          }
          for (let o = 0; o < outputs; o++) dk[target++] = sums[o];
        }
      }
    }
  },

  simd(call) {
    const {
      inputs: [x, g],
      inputSpecs,
      outputs: [dk],
      attributes,
    } = call;
    const geometry = geometryOf(inputSpecs, attributes);
    const outputs = attributes.kernelShape[3];
    multiply(call, {
      a: isPointwise(geometry)
        ? { address: x, leading: geometry.channels, transposed: true }
        : { image: x, windows: windowArguments(geometry, outputs), spacing: [1, 1], transposed: true },
      b: { address: g, leading: outputs, transposed: false },
      bias: 0,
      c: dk,
      cLeading: outputs,
      rows: geometry.windowHeight * geometry.windowWidth * geometry.channels,
      columns: outputs,
      depth: geometry.batch * geometry.outputHeight * geometry.outputWidth,
      activation: 'linear',
    });
    return true;
  },

  variants({ inputs, attributes, adapter }) {
    return gemmVariants(problemOf(inputs, attributes).problem, adapter);
  },

  wgsl({ inputs, attributes, adapter }, variant) {
    const { problem, paddings, padded } = problemOf(inputs, attributes);
    const needsPadding = !sameShape(padded.shape, inputs[0].shape);
    const image = needsPadding ? { scratch: 0, bytes: 4 * elementCount(padded.shape) } : { input: 0 };
    const bindings = { a: image, b: { input: 1 }, y: { output: 0 } };
    const product = gemmLaunches(problem, variant, bindings, adapter);
    if (!needsPadding) return product;
    const call = {
      inputs: [inputs[0]],
      outputs: [padded],
      attributes: { paddings, value: 0 },
      adapter,
      placement: densePlacement(padded),
    };
    const padding = pad
      .wgsl(call, 'default')
      .map((launch) => ({ ...launch, bindings: [{ input: 0 }, image] }));
    return [...padding, ...product];
  },

  flops: ({ inputs, attributes }) =>
    convolutionFlops(geometryOf(inputs, attributes), attributes.kernelShape[3]),

  // The op is linear in x and in g, so its gradients are the convolution's input gradient and the convolution.
  gradient(context) {
    const {
      inputs: [x, g],
      gradients: [ddk],
      attributes,
      needs,
    } = context;
    const { strides, padding, dilations } = attributes;
    const window = { strides, padding, dilations };
    return [
      needs[0] ? context.run('conv2dGradientInput', [g, ddk], { ...window, inputShape: x.shape }) : null,
      needs[1] ? context.run('conv2d', [x, ddk], { ...window, activation: 'linear' }) : null,
    ];
  },

  samples,
};

/**
 * A product of (taps × channels) × output pixels with the gradient. What a tap sees moves with the pixel, so the image
 * is padded first: then every pixel of a line is a constant step on.
 */
function problemOf(inputs: readonly TensorSpec[], attributes: Conv2DGradientKernelAttributes) {
  const geometry = geometryOf(inputs, attributes);
  const { batch, height, width, channels, windowHeight, windowWidth, outputHeight, outputWidth } = geometry;
  const reach = (outputs: number, stride: number, window: number, dilation: number) =>
    (outputs - 1) * stride + (window - 1) * dilation + 1;
  const { paddingTop, paddingLeft, strideY, strideX, dilationY, dilationX } = geometry;
  const bottom = Math.max(0, reach(outputHeight, strideY, windowHeight, dilationY) - paddingTop - height);
  const right = Math.max(0, reach(outputWidth, strideX, windowWidth, dilationX) - paddingLeft - width);
  const paddings = [
    [0, 0],
    [paddingTop, bottom],
    [paddingLeft, right],
    [0, 0],
  ] as const;
  const padded: TensorSpec = {
    shape: [batch, paddingTop + height + bottom, paddingLeft + width + right, channels],
    dtype: 'float32',
  };
  const outputs = attributes.kernelShape[3];
  const problem: GemmProblem = {
    batches: 1,
    rows: windowHeight * windowWidth * channels,
    columns: outputs,
    segments: batch * outputHeight,
    depth: outputWidth,
    aBatch: 0,
    aRow: 0,
    aDepth: strideX * channels,
    bBatch: 0,
    bSegment: outputWidth * outputs,
    bDepth: outputs,
    bColumn: 1,
    placement: { stride: outputs, offset: 0 },
    activation: 'linear',
    rowHook: {
      shader: { name: 'conv2d-gradient-kernel', source },
      uniforms: {
        height: padded.shape[1],
        width: padded.shape[2],
        channels,
        windowWidth,
        outputHeight,
        strideY,
        dilationY,
        dilationX,
      },
      startUnit: 1,
      guarded: false,
    },
  };
  return { problem, paddings, padded };
}

function samples(): Sample<Conv2DGradientKernelAttributes>[] {
  const of = (
    name: string,
    x: number[],
    g: number[],
    attributes: Pick<Conv2DGradientKernelAttributes, 'kernelShape'> & Partial<Conv2DGradientKernelAttributes>,
  ): Sample<Conv2DGradientKernelAttributes> => ({
    name,
    inputs: [floatSample(x, 1), floatSample(g, 2)],
    attributes: { strides: [1, 1], padding: 'same', dilations: [1, 1], ...attributes },
  });
  return [
    of('1×1', [2, 3, 4, 5], [2, 3, 4, 6], { kernelShape: [1, 1, 5, 6] }),
    of('3×3 same', [1, 5, 6, 3], [1, 5, 6, 4], { kernelShape: [3, 3, 3, 4] }),
    of('3×3 valid, stride 2', [2, 7, 8, 3], [2, 3, 3, 5], {
      kernelShape: [3, 3, 3, 5],
      strides: [2, 2],
      padding: 'valid',
    }),
    of('even window same, stride (2, 1)', [1, 7, 5, 2], [1, 4, 5, 3], {
      kernelShape: [2, 4, 2, 3],
      strides: [2, 1],
    }),
    of('dilated (2, 3)', [1, 8, 9, 2], [1, 8, 9, 3], { kernelShape: [3, 3, 2, 3], dilations: [2, 3] }),
    of('taps that only see padding', [1, 2, 2, 3], [1, 2, 2, 2], { kernelShape: [5, 5, 3, 2] }),
  ];
}
