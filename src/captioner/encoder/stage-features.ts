import { concat } from '../../tensor/functions.ts';
import { scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { EncoderConfig } from '../config.ts';

/**
 * The features that a decoder reads of an encoder's stages [N, H, W, C]: their averages [N, channels], side by side, or
 * the places of the only one's grid [N, places, channels].
 */
export function stageFeatures(
  stages: ReadonlyMap<string, Tensor>,
  { outputs, pooling }: Pick<EncoderConfig, 'outputs' | 'pooling'>,
): Tensor {
  return scope(() => {
    const chosen = outputs.map((name) => stages.get(name) as Tensor);
    if (pooling === 'average') return concat(chosen.map((output) => output.mean([1, 2])));
    const [grid] = chosen;
    const [images, height, width, channels] = grid.shape;
    return grid.reshape([images, height * width, channels]);
  });
}
