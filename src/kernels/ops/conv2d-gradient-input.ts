import source from '../../../shaders/conv2d-gradient-input.wgsl';
import { type GemmProblem, gemmLaunches } from '../gemm/gemm.ts';
import { gemmVariants } from '../gemm/gemm-variants.ts';
import type { OpDefinition, Sample } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { elementCount, type Shape, type TensorSpec } from '../op/spec.ts';
import { convolutionGradientGeometry } from '../parts/convolution-gradient.ts';
import { multiply } from '../parts/simd-product.ts';
import {
  convolutionFlops,
  isPointwise,
  type WindowArguments,
  type WindowAttributes,
  type WindowGeometry,
  windowUniforms,
} from '../parts/window.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    conv2dGradientInput: Conv2DGradientInputAttributes;
  }
}

export interface Conv2DGradientInputAttributes extends WindowAttributes {
  /** Shape [N, H, W, C] of the convolution's input; strides and 'valid' padding do not determine it. */
  readonly inputShape: Shape;
}

function geometryOf(
  inputs: readonly TensorSpec[],
  attributes: Conv2DGradientInputAttributes,
): WindowGeometry {
  const expected = 'g [N, H′, W′, O], kernel [kh, kw, C, O]';
  return convolutionGradientGeometry('conv2dGradientInput', expected, inputs, attributes, () => ({
    image: attributes.inputShape,
    kernel: inputs[1].shape,
    g: inputs[0],
  }));
}

/** Gradient of a convolution with respect to its input: every output spreads back over the window that it saw. */
export const conv2dGradientInput: OpDefinition<Conv2DGradientInputAttributes> = {
  name: 'conv2dGradientInput',
  summary: 'g [N, H′, W′, O], kernel [kh, kw, C, O] -> gradient of x [N, H, W, C] = inputShape',

  infer(inputs, attributes) {
    geometryOf(inputs, attributes);
    return [{ shape: [...attributes.inputShape], dtype: 'float32' }];
  },

  cpu({ inputs: [g, kernel], inputSpecs, outputs: [dx], attributes }) {
    const geometry = geometryOf(inputSpecs, attributes);
    const { batch, height, width, channels, outputHeight, outputWidth, strideY, strideX } = geometry;
    const outputs = inputSpecs[1].shape[3];
    let target = 0;
    for (let n = 0; n < batch; n++) {
      for (let iy = 0; iy < height; iy++) {
        for (let ix = 0; ix < width; ix++) {
          for (let c = 0; c < channels; c++) {
            let sum = 0;
            for (let ky = 0; ky < geometry.windowHeight; ky++) {
              const y = iy + geometry.paddingTop - ky * geometry.dilationY;
              if (y % strideY !== 0 || y < 0 || y / strideY >= outputHeight) continue;
              for (let kx = 0; kx < geometry.windowWidth; kx++) {
                const x = ix + geometry.paddingLeft - kx * geometry.dilationX;
                if (x % strideX !== 0 || x < 0 || x / strideX >= outputWidth) continue;
                const from = ((n * outputHeight + y / strideY) * outputWidth + x / strideX) * outputs;
                const tap = ((ky * geometry.windowWidth + kx) * channels + c) * outputs;
                for (let o = 0; o < outputs; o++) sum += g[from + o] * kernel[tap + o];
              }
            }
            dx[target++] = sum;
          }
        }
      }
    }
  },

  simd(call) {
    const {
      inputs: [g, kernel],
      inputSpecs,
      outputs: [dx],
      attributes,
    } = call;
    const geometry = geometryOf(inputSpecs, attributes);
    const outputs = inputSpecs[1].shape[3];
    const { batch, height, width, channels, windowHeight, windowWidth } = geometry;
    const shared = {
      bias: 0,
      c: dx,
      cLeading: channels,
      rows: batch * height * width,
      columns: channels,
      activation: 'linear',
    } as const;
    if (isPointwise(geometry)) {
      multiply(call, {
        ...shared,
        a: { address: g, leading: outputs, transposed: false },
        b: { address: kernel, leading: outputs, transposed: true },
        depth: outputs,
      });
      return true;
    }
    // A convolution of g, spread apart by the strides, with the kernel turned round and its channels and outputs
    // exchanged. With strides, most of what it multiplies are zeros.
    const taps = windowHeight * windowWidth;
    const exchanged = call.scratch(4 * elementCount(inputSpecs[1].shape));
    call.run('exchangeChannels', [exchanged, kernel, channels, outputs], taps, channels * outputs * 0.6);
    const windows: WindowArguments = [
      batch,
      geometry.outputHeight,
      geometry.outputWidth,
      outputs,
      windowHeight,
      windowWidth,
      channels,
      height,
      width,
      1,
      1,
      -geometry.paddingTop,
      -geometry.paddingLeft,
      -geometry.dilationY,
      -geometry.dilationX,
    ];
    const spacing = [geometry.strideY, geometry.strideX] as const;
    multiply(call, {
      ...shared,
      a: { image: g, windows, spacing, transposed: false },
      b: { address: exchanged, leading: channels, transposed: false },
      depth: taps * outputs,
    });
    return true;
  },

  variants({ inputs, attributes, adapter }) {
    return gemmVariants(problemOf(inputs, attributes), adapter);
  },

  wgsl({ inputs, attributes, adapter }, variant) {
    const bindings = { a: { input: 0 }, b: { input: 1 }, y: { output: 0 } };
    return gemmLaunches(problemOf(inputs, attributes), variant, bindings, adapter);
  },

  flops: ({ inputs, attributes }) => convolutionFlops(geometryOf(inputs, attributes), inputs[1].shape[3]),

  // The op is linear in g and in the kernel, so its gradients are the convolution and its kernel gradient.
  gradient(context) {
    const {
      inputs: [g, kernel],
      gradients: [ddx],
      attributes,
      needs,
    } = context;
    const { strides, padding, dilations } = attributes;
    const window = { strides, padding, dilations };
    return [
      needs[0] ? context.run('conv2d', [ddx, kernel], { ...window, activation: 'linear' }) : null,
      needs[1]
        ? context.run('conv2dGradientKernel', [ddx, g], { ...window, kernelShape: kernel.shape })
        : null,
    ];
  },

  samples,
};

/** A product of input pixels × (taps × output channels) with the kernel, its last two axes swapped by strides. */
function problemOf(inputs: readonly TensorSpec[], attributes: Conv2DGradientInputAttributes): GemmProblem {
  const geometry = geometryOf(inputs, attributes);
  const { batch, height, width, channels, windowHeight, windowWidth } = geometry;
  const outputChannels = inputs[1].shape[3];
  return {
    batches: 1,
    rows: batch * height * width,
    columns: channels,
    segments: windowHeight * windowWidth,
    depth: outputChannels,
    aBatch: 0,
    aRow: 0,
    aDepth: 1,
    bBatch: 0,
    bSegment: channels * outputChannels,
    bDepth: 1,
    bColumn: outputChannels,
    placement: { stride: channels, offset: 0 },
    activation: 'linear',
    rowHook: {
      shader: { name: 'conv2d-gradient-input', source },
      uniforms: {
        ...windowUniforms(geometry),
        channels: outputChannels,
        segmentsPerLine: windowWidth,
        dilationY: geometry.dilationY,
        dilationX: geometry.dilationX,
      },
      startUnit: outputChannels,
      guarded: true,
    },
  };
}

function samples(): Sample<Conv2DGradientInputAttributes>[] {
  const of = (
    name: string,
    g: number[],
    kernel: number[],
    attributes: Pick<Conv2DGradientInputAttributes, 'inputShape'> & Partial<Conv2DGradientInputAttributes>,
  ): Sample<Conv2DGradientInputAttributes> => ({
    name,
    inputs: [floatSample(g, 1), floatSample(kernel, 2)],
    attributes: { strides: [1, 1], padding: 'same', dilations: [1, 1], ...attributes },
  });
  return [
    of('1×1', [2, 3, 4, 6], [1, 1, 5, 6], { inputShape: [2, 3, 4, 5] }),
    of('3×3 same', [1, 5, 6, 4], [3, 3, 3, 4], { inputShape: [1, 5, 6, 3] }),
    of('3×3 valid, stride 2, with an unseen border', [1, 3, 3, 5], [3, 3, 3, 5], {
      inputShape: [1, 7, 8, 3],
      strides: [2, 2],
      padding: 'valid',
    }),
    of('even window same, stride (2, 1)', [1, 4, 5, 3], [2, 4, 2, 3], {
      inputShape: [1, 7, 5, 2],
      strides: [2, 1],
    }),
    of('dilated (2, 3)', [1, 8, 9, 3], [3, 3, 2, 3], { inputShape: [1, 8, 9, 2], dilations: [2, 3] }),
    of('stride larger than the window', [1, 3, 3, 2], [1, 1, 3, 2], {
      inputShape: [1, 7, 8, 3],
      strides: [3, 3],
    }),
  ];
}
