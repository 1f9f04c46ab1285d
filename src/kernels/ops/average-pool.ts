import { checkInputCount } from '../op/checks.ts';
import type { OpDefinition } from '../op/op.ts';
import {
  inferPool,
  type PoolAttributes,
  type PoolHook,
  placedPoolLaunch,
  poolFlops,
  poolGeometry,
  poolSamples,
  simdPool,
  walkWindows,
} from '../parts/pooling.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    averagePool: PoolAttributes;
  }
}

const mean: PoolHook = {
  hook: {
    name: 'average-pool',
    source: `
      fn fold(folded: Element, next: Element) -> Element { return folded + next; }
      fn finish(folded: Element, pixels: u32) -> Element { return folded / f32(pixels); }`,
  },
  initial: '0.0',
};

/** Mean of each window over the elements inside the input. */
export const averagePool: OpDefinition<PoolAttributes> = {
  name: 'averagePool',
  summary: 'x [N, H, W, C] -> [N, H′, W′, C]: the mean of each window, padding not counted',
  places: true,
  infer(inputs, attributes) {
    checkInputCount('averagePool', inputs, 1);
    return [inferPool('averagePool', inputs[0], attributes)];
  },
  cpu({ inputs: [x], inputSpecs, outputs: [y], attributes }) {
    const geometry = poolGeometry('averagePool', inputSpecs[0].shape, attributes);
    const { height, width, channels } = geometry;
    const sums = new Float64Array(channels);
    walkWindows(geometry, (image, firstRow, endRow, firstColumn, endColumn, output) => {
      sums.fill(0);
      for (let row = firstRow; row < endRow; row++) {
        let from = ((image * height + row) * width + firstColumn) * channels;
        for (let column = firstColumn; column < endColumn; column++, from += channels) {
          for (let channel = 0; channel < channels; channel++) sums[channel] += x[from + channel];
        }
      }
      const count = (endRow - firstRow) * (endColumn - firstColumn);
      for (let channel = 0; channel < channels; channel++) y[output + channel] = sums[channel] / count;
    });
  },
  simd: (call) => simdPool('averagePool', call),
  wgsl: (call) => [placedPoolLaunch('averagePool', mean, call)],
  flops: poolFlops,
  gradient: (context) => [
    context.run('averagePoolGradient', [context.gradients[0]], {
      ...context.attributes,
      inputShape: context.inputs[0].shape,
    }),
  ],
  samples: poolSamples,
};
