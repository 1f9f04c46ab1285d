import type { Device } from '../../../kernels/device.ts';
import { ShapeError } from '../../../kernels/op/errors.ts';
import { elementCount, sameShape } from '../../../kernels/op/spec.ts';
import { Dense } from '../../../nn/layers/dense.ts';
import { meanSquaredError } from '../../../nn/losses.ts';
import type { Random } from '../../../nn/random.ts';
import { scope } from '../../../tensor/scope.ts';
import { Tensor } from '../../../tensor/tensor.ts';
import { stageFeatures } from '../../encoder/stage-features.ts';
import type { FeatureTable } from '../teacher-forcing.ts';
import { EncoderObjective, type StageOutputs } from './encoder-objective.ts';

export interface FeaturesObjectiveOptions {
  /** The stages that are read. */
  readonly outputs: readonly string[];
  /** Channels of these together. */
  readonly channels: number;
  /** The teacher's features of each image, by its number: rows [channels] of averages, or [places, channels] of a grid. */
  readonly teacher: FeatureTable;
}

/**
 * Comes close to what another encoder, the teacher, makes of the images (distillation, Hinton et al. 2015, arXiv
 * 1503.02531): mean squared error between its features and the averages of the stages, or the places of the one stage's
 * grid. Where the teacher's channels are more or fewer, a linear layer between is trained along (Romero et al. 2015,
 * arXiv 1412.6550); where they are as many, the features themselves become the teacher's.
 */
export class FeaturesObjective extends EncoderObjective {
  readonly layer: Dense | null;
  readonly #teacher: FeatureTable;
  readonly #read: { readonly outputs: readonly string[]; readonly pooling: 'average' | 'grid' };

  constructor(
    device: Device,
    random: Random | null,
    { outputs, channels, teacher }: FeaturesObjectiveOptions,
  ) {
    super();
    const units = teacher.rowShape[teacher.rowShape.length - 1];
    this.layer = units === channels ? null : new Dense(device, random, { inputs: channels, units });
    this.#teacher = teacher;
    this.#read = { outputs, pooling: teacher.rowShape.length === 1 ? 'average' : 'grid' };
  }

  /** Throws ShapeError where the stage's grid has not the teacher's places. */
  override loss(stages: StageOutputs, images: readonly number[]): Tensor {
    return scope(() => {
      const own = stageFeatures(stages, this.#read);
      const features = this.layer ? this.layer.forward(own) : own;
      const expected = this.rows(images);
      const shape = [images.length, ...this.#teacher.rowShape];
      if (!sameShape(features.shape, shape)) {
        throw new ShapeError(
          `FeaturesObjective: the teacher's features are [${shape.join(', ')}], those of ${this.#read.outputs.join(', ')} ` +
            `[${features.shape.join(', ')}]; read a stage with as many places, or give a teacher's averages`,
        );
      }
      return meanSquaredError(features, Tensor.from(features.device, expected, shape));
    });
  }

  /** The teacher's features of some images, one row after the other. */
  rows(images: readonly number[]): Float32Array<ArrayBuffer> {
    const { rowShape, data } = this.#teacher;
    const width = elementCount(rowShape);
    const rows = new Float32Array(images.length * width);
    for (const [row, image] of images.entries())
      rows.set(data.subarray(image * width, (image + 1) * width), row * width);
    return rows;
  }
}
