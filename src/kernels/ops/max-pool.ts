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
    maxPool: PoolAttributes;
  }
}

const largest: PoolHook = {
  hook: {
    name: 'max-pool',
    source: `
      fn fold(folded: Element, next: Element) -> Element { return max(folded, next); }
      fn finish(folded: Element, pixels: u32) -> Element { return folded; }`,
  },
  initial: '-3.4028234e38',
};

/** Largest element of each window; padding is never counted. */
export const maxPool: OpDefinition<PoolAttributes> = {
  name: 'maxPool',
  summary: 'x [N, H, W, C] -> [N, H′, W′, C]: the largest element of each window, padding not counted',
  places: true,
  infer(inputs, attributes) {
    checkInputCount('maxPool', inputs, 1);
    return [inferPool('maxPool', inputs[0], attributes)];
  },
  cpu({ inputs: [x], inputSpecs, outputs: [y], attributes }) {
    const geometry = poolGeometry('maxPool', inputSpecs[0].shape, attributes);
    const { height, width, channels } = geometry;
    walkWindows(geometry, (image, firstRow, endRow, firstColumn, endColumn, output) => {
      for (let channel = 0; channel < channels; channel++) y[output + channel] = Number.NEGATIVE_INFINITY;
      for (let row = firstRow; row < endRow; row++) {
        let from = ((image * height + row) * width + firstColumn) * channels;
        for (let column = firstColumn; column < endColumn; column++, from += channels) {
          for (let channel = 0; channel < channels; channel++) {
            if (x[from + channel] > y[output + channel]) y[output + channel] = x[from + channel];
          }
        }
      }
    });
  },
  simd: (call) => simdPool('maxPool', call),
  wgsl: (call) => [placedPoolLaunch('maxPool', largest, call)],
  flops: poolFlops,
  gradient: (context) => [
    context.run(
      'maxPoolGradient',
      [context.inputs[0], context.outputs[0], context.gradients[0]],
      context.attributes,
    ),
  ],
  samples: poolSamples,
};
