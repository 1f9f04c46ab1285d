import source from '../../../shaders/resize-bilinear-gradient.wgsl';
import { checkInputCount, checkShape } from '../op/checks.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { elementCount, type Shape } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { checkImages, resizeCases, resizeTaps } from '../parts/resize.ts';

export interface ResizeBilinearGradientAttributes {
  /** Shape of the tensor that was resized. */
  readonly inputShape: Shape;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    resizeBilinearGradient: ResizeBilinearGradientAttributes;
  }
}

/** Backward pass of resizeBilinear: each gradient goes back to the four pixels it was mixed from. */
export const resizeBilinearGradient: OpDefinition<ResizeBilinearGradientAttributes> = {
  name: 'resizeBilinearGradient',
  summary: 'g [N, height, width, C] -> [inputShape]: g spread by the weights of the interpolation',
  infer(inputs, { inputShape }) {
    checkInputCount('resizeBilinearGradient', inputs, 1);
    const [g] = inputs;
    checkImages('resizeBilinearGradient', 'g', g);
    const x = { shape: inputShape, dtype: 'float32' } as const;
    checkImages('resizeBilinearGradient', 'inputShape', x);
    checkShape('resizeBilinearGradient', 'g', g, [inputShape[0], g.shape[1], g.shape[2], inputShape[3]]);
    return [x];
  },
  cpu({ inputs: [g], inputSpecs, outputs: [dx], attributes }) {
    const [batch, height, width, channels] = attributes.inputShape;
    const columns = resizeTaps(width, inputSpecs[0].shape[2]);
    dx.fill(0);
    let from = 0;
    for (let image = 0; image < batch; image++) {
      for (const row of resizeTaps(height, inputSpecs[0].shape[1])) {
        const top = (image * height + row.low) * width;
        const bottom = (image * height + row.high) * width;
        for (const column of columns) {
          for (let channel = 0; channel < channels; channel++) {
            const lower = g[from] * row.weight;
            const upper = g[from] - lower;
            from++;
            dx[(top + column.low) * channels + channel] += upper * (1 - column.weight);
            dx[(top + column.high) * channels + channel] += upper * column.weight;
            dx[(bottom + column.low) * channels + channel] += lower * (1 - column.weight);
            dx[(bottom + column.high) * channels + channel] += lower * column.weight;
          }
        }
      }
    }
  },
  wgsl({ inputs, outputs, attributes, adapter }) {
    const [, inputHeight, inputWidth, channels] = attributes.inputShape;
    const [, height, width] = inputs[0].shape;
    const count = elementCount(outputs[0].shape);
    return [
      {
        shader: { name: 'resize-bilinear-gradient', source },
        uniforms: { count, inputHeight, inputWidth, height, width, channels },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: 'none',
  samples: () =>
    resizeCases.map(({ name, shape, height, width }, index) => ({
      name,
      inputs: [floatSample([shape[0], height, width, shape[3]], index + 1)],
      attributes: { inputShape: shape },
    })),
};
