import source from '../../../shaders/resize-bilinear.wgsl';
import { checkInputCount } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { elementCount } from '../op/spec.ts';
import { linearGrid, WORKGROUP_SIZE } from '../parts/grid.ts';
import { checkImages, resizeCases, resizeTaps } from '../parts/resize.ts';

export interface ResizeBilinearAttributes {
  readonly height: number;
  readonly width: number;
}

declare module '../op/op.ts' {
  interface OpAttributes {
    resizeBilinear: ResizeBilinearAttributes;
  }
}

/** Bilinear interpolation between half-pixel centres, without antialiasing: tf.image.resize's default. */
export const resizeBilinear: OpDefinition<ResizeBilinearAttributes> = {
  name: 'resizeBilinear',
  summary: 'x [N, H, W, C] -> [N, height, width, C]: bilinear, half-pixel centres, no antialiasing',
  infer(inputs, { height, width }) {
    checkInputCount('resizeBilinear', inputs, 1);
    checkImages('resizeBilinear', 'x', inputs[0]);
    if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
      throw new ShapeError(`resizeBilinear: size ${height} × ${width} given; expected whole numbers from 1`);
    }
    const [batch, , , channels] = inputs[0].shape;
    return [{ shape: [batch, height, width, channels], dtype: 'float32' }];
  },
  cpu({ inputs: [x], inputSpecs, outputs: [y], attributes }) {
    const [batch, height, width, channels] = inputSpecs[0].shape;
    const columns = resizeTaps(width, attributes.width);
    let to = 0;
    for (let image = 0; image < batch; image++) {
      for (const row of resizeTaps(height, attributes.height)) {
        const top = (image * height + row.low) * width;
        const bottom = (image * height + row.high) * width;
        for (const column of columns) {
          const a = (top + column.low) * channels;
          const b = (top + column.high) * channels;
          const c = (bottom + column.low) * channels;
          const d = (bottom + column.high) * channels;
          for (let channel = 0; channel < channels; channel++) {
            const upper = x[a + channel] + (x[b + channel] - x[a + channel]) * column.weight;
            const lower = x[c + channel] + (x[d + channel] - x[c + channel]) * column.weight;
            y[to++] = upper + (lower - upper) * row.weight;
          }
        }
      }
    }
  },
  wgsl({ inputs, outputs, attributes, adapter }) {
    const [, inputHeight, inputWidth, channels] = inputs[0].shape;
    const { height, width } = attributes;
    const count = elementCount(outputs[0].shape);
    return [
      {
        shader: { name: 'resize-bilinear', source },
        uniforms: { count, inputHeight, inputWidth, height, width, channels },
        grid: linearGrid(count, WORKGROUP_SIZE, adapter),
      },
    ];
  },
  gradient: (context) => [
    context.run('resizeBilinearGradient', [context.gradients[0]], { inputShape: context.inputs[0].shape }),
  ],
  samples: () =>
    resizeCases.map(({ name, shape, height, width }, index) => ({
      name,
      inputs: [floatSample(shape, index + 1)],
      attributes: { height, width },
    })),
};
