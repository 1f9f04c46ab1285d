import source from '../../../shaders/max-pool-gradient.wgsl';
import { checkDType, checkInputCount, checkShape } from '../op/checks.ts';
import type { OpDefinition, Sample } from '../op/op.ts';
import { floatSample, valuesSample } from '../op/samples.ts';
import { elementCount } from '../op/spec.ts';
import {
  inferPool,
  type PoolAttributes,
  poolCases,
  poolGeometry,
  poolLaunch,
  walkWindows,
} from '../parts/pooling.ts';
import { maxPool } from './max-pool.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    maxPoolGradient: PoolAttributes;
  }
}

/** Backward pass of maxPool: the gradient of a window goes to its largest element, of equals to the first. */
export const maxPoolGradient: OpDefinition<PoolAttributes> = {
  name: 'maxPoolGradient',
  summary:
    'x [N, H, W, C], y and g [N, H′, W′, C] -> [N, H, W, C]: g added at the first maximum of each window',
  infer(inputs, attributes) {
    checkInputCount('maxPoolGradient', inputs, 3);
    const [x, y, g] = inputs;
    const pooled = inferPool('maxPoolGradient', x, attributes);
    checkDType('maxPoolGradient', 'y', y, 'float32');
    checkDType('maxPoolGradient', 'g', g, 'float32');
    checkShape('maxPoolGradient', 'y', y, pooled.shape);
    checkShape('maxPoolGradient', 'g', g, pooled.shape);
    return [x];
  },
  cpu({ inputs: [x, , g], inputSpecs, outputs: [dx], attributes }) {
    const geometry = poolGeometry('maxPoolGradient', inputSpecs[0].shape, attributes);
    const { height, width, channels } = geometry;
    dx.fill(0);
    walkWindows(geometry, (image, firstRow, endRow, firstColumn, endColumn, output) => {
      for (let channel = 0; channel < channels; channel++) {
        let first = ((image * height + firstRow) * width + firstColumn) * channels + channel;
        for (let row = firstRow; row < endRow; row++) {
          let from = ((image * height + row) * width + firstColumn) * channels + channel;
          for (let column = firstColumn; column < endColumn; column++, from += channels) {
            if (x[from] > x[first]) first = from;
          }
        }
        dx[first] += g[output + channel];
      }
    });
  },
  wgsl({ inputs, outputs, attributes, adapter }) {
    const geometry = poolGeometry('maxPoolGradient', inputs[0].shape, attributes);
    return [poolLaunch({ name: 'max-pool-gradient', source }, geometry, outputs[0].shape, adapter)];
  },
  gradient: 'none',
  samples(): Sample<PoolAttributes>[] {
    const ties = valuesSample([1, 4, 4, 1], [1, 1, 0, 2, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    const samples = poolCases.map(({ name, shape, attributes }, index) => ({
      name,
      x: floatSample(shape, index + 1, -3, 1),
      attributes,
    }));
    const tied: PoolAttributes = { size: [3, 3], strides: [1, 1], padding: 'same' };
    return [...samples, { name: 'ties', x: ties, attributes: tied }].map(({ name, x, attributes }) => {
      const y = inferPool('maxPool', x, attributes);
      const pooled = new Float64Array(elementCount(y.shape));
      const call = {
        inputs: [Float64Array.from(x.data)],
        inputSpecs: [x],
        outputs: [pooled],
        outputSpecs: [y],
      };
      maxPool.cpu({ ...call, attributes });
      return { name, inputs: [x, valuesSample(y.shape, [...pooled]), floatSample(y.shape, 9)], attributes };
    });
  },
};
