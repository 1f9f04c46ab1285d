import source from '../../../shaders/average-pool-gradient.wgsl';
import { checkDType, checkInputCount, checkShape } from '../op/checks.ts';
import type { OpDefinition } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import {
  inferPool,
  type PoolGradientAttributes,
  poolCases,
  poolGeometry,
  poolLaunch,
  walkWindows,
} from '../parts/pooling.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    averagePoolGradient: PoolGradientAttributes;
  }
}

/** Backward pass of averagePool: the gradient of a window is shared evenly by its elements inside the input. */
export const averagePoolGradient: OpDefinition<PoolGradientAttributes> = {
  name: 'averagePoolGradient',
  summary: 'g [N, H′, W′, C] -> [inputShape]: g of each window shared evenly by the elements it averaged',
  infer(inputs, attributes) {
    checkInputCount('averagePoolGradient', inputs, 1);
    const [g] = inputs;
    const x = { shape: attributes.inputShape, dtype: 'float32' } as const;
    checkDType('averagePoolGradient', 'g', g, 'float32');
    checkShape('averagePoolGradient', 'g', g, inferPool('averagePoolGradient', x, attributes).shape);
    return [x];
  },
  cpu({ inputs: [g], outputs: [dx], attributes }) {
    const geometry = poolGeometry('averagePoolGradient', attributes.inputShape, attributes);
    const { height, width, channels } = geometry;
    dx.fill(0);
    walkWindows(geometry, (image, firstRow, endRow, firstColumn, endColumn, output) => {
      const count = (endRow - firstRow) * (endColumn - firstColumn);
      for (let row = firstRow; row < endRow; row++) {
        let to = ((image * height + row) * width + firstColumn) * channels;
        for (let column = firstColumn; column < endColumn; column++, to += channels) {
          for (let channel = 0; channel < channels; channel++)
            dx[to + channel] += g[output + channel] / count;
        }
      }
    });
  },
  wgsl({ outputs, attributes, adapter }) {
    const geometry = poolGeometry('averagePoolGradient', attributes.inputShape, attributes);
    return [poolLaunch({ name: 'average-pool-gradient', source }, geometry, outputs[0].shape, adapter)];
  },
  gradient: 'none',
  samples: () =>
    poolCases.map(({ name, shape, attributes }, index) => {
      const pooled = inferPool('averagePool', { shape, dtype: 'float32' }, attributes);
      return {
        name,
        inputs: [floatSample(pooled.shape, index + 1)],
        attributes: { ...attributes, inputShape: shape },
      };
    }),
};
