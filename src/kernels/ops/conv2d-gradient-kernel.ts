import { DTypeError, ShapeError, UnsupportedError } from '../errors.ts';
import type { OpDefinition, Sample } from '../op.ts';
import { floatSample } from '../samples.ts';
import { describe, type Shape, sameShape, type TensorSpec } from '../spec.ts';
import { type WindowAttributes, type WindowGeometry, windowArguments, windowGeometry } from '../window.ts';

declare module '../op.ts' {
  interface OpAttributes {
    conv2dGradientKernel: Conv2DGradientKernelAttributes;
  }
}

export interface Conv2DGradientKernelAttributes extends WindowAttributes {
  /** Shape [kh, kw, C, O] of the convolution's kernel. */
  readonly kernelShape: Shape;
}

/** Reads the sizes of the convolution from its input x [N, H, W, C] and gradient g [N, H′, W′, O]. */
export function conv2dGradientKernelGeometry(
  inputs: readonly TensorSpec[],
  attributes: Conv2DGradientKernelAttributes,
): WindowGeometry {
  const { kernelShape } = attributes;
  const given = `conv2dGradientKernel: ${inputs.map(describe).join(', ')} given for a kernel of shape [${kernelShape.join(', ')}], `;
  if (inputs.length !== 2 || kernelShape.length !== 4) {
    throw new ShapeError(`${given}expected x [N, H, W, C], g [N, H′, W′, O], kernelShape [kh, kw, C, O]`);
  }
  if (inputs.some((input) => input.dtype !== 'float32')) {
    throw new DTypeError(`${given}both of float32 expected; cast them first`);
  }
  const [kernelHeight, kernelWidth, channels, outputs] = kernelShape;
  const size = [kernelHeight, kernelWidth] as const;
  const geometry = windowGeometry('conv2dGradientKernel', inputs[0].shape, size, attributes);
  const expected = [geometry.batch, geometry.outputHeight, geometry.outputWidth, outputs];
  if (geometry.channels !== channels || !sameShape(inputs[1].shape, expected)) {
    throw new ShapeError(
      `${given}expected x of ${channels} channels and g [${expected.join(', ')}]; ` +
        'give the attributes of the convolution itself',
    );
  }
  return geometry;
}

/** Gradient of a convolution with respect to its kernel: each tap correlates what it saw with the outputs' gradient. */
export const conv2dGradientKernel: OpDefinition<Conv2DGradientKernelAttributes> = {
  name: 'conv2dGradientKernel',
  summary: 'x [N, H, W, C], g [N, H′, W′, O] → gradient of the kernel [kh, kw, C, O] = kernelShape',

  infer(inputs, attributes) {
    conv2dGradientKernelGeometry(inputs, attributes);
    return [{ shape: [...attributes.kernelShape], dtype: 'float32' }];
  },

  cpu({ inputs: [x, g], inputSpecs, outputs: [dk], attributes }) {
    const geometry = conv2dGradientKernelGeometry(inputSpecs, attributes);
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

  simd({ kernels, inputs: [x, g], inputSpecs, outputs: [dk], attributes, scratch }) {
    const geometry = conv2dGradientKernelGeometry(inputSpecs, attributes);
    const outputs = attributes.kernelShape[3];
    const working = kernels.productScratch(outputs) + geometry.windowWidth * geometry.channels * 4;
    kernels.conv2dGradientKernel(x, g, dk, ...windowArguments(geometry, outputs), scratch(working));
    return true;
  },

  wgsl() {
    throw new UnsupportedError('conv2dGradientKernel: has no WebGPU kernel yet; run it on the CPU device');
  },

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
