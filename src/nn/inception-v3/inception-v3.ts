import type { Device } from '../../kernels/device.ts';
import { FormatError, UnsupportedError } from '../../kernels/op/errors.ts';
import { type Shape, sameShape } from '../../kernels/op/spec.ts';
import { scope } from '../../tensor/scope.ts';
import { activeTape } from '../../tensor/tape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Dense } from '../layers/dense.ts';
import { type HostWeight, Module } from '../module.ts';
import type { Random } from '../random.ts';
import { type Convolution, convolutions, type Stage, stageChannels, stages } from './architecture.ts';
import { joinBranches } from './branches.ts';
import { ConvolutionUnit, fold, type NormalisedKernel } from './convolution-unit.ts';

export interface InceptionOptions {
  /**
   * The first stage that is built; `forward` then takes the output of the stage before. Default 'stem1', which takes the
   * image.
   */
  readonly first?: string;
  /** The last stage that will be asked for; what lies above is not built. Default 'mixed10'. */
  readonly last?: string;
  /** Classes of the top, or null (the default) for none. */
  readonly classes?: number | null;
  /** Whether batch norms are folded into the convolutions: faster, and not for training. Default true. */
  readonly folded?: boolean;
}

/** InceptionV3 with or without its top. Input [N, H, W, 3] in −1 … 1, for which Keras takes 299 × 299. */
export class InceptionV3 extends Module {
  readonly units: readonly ConvolutionUnit[];
  readonly predictions: Dense | null;
  readonly #stages: readonly Stage[];
  readonly #folded: boolean;

  constructor(device: Device, random: Random | null, options: InceptionOptions = {}) {
    super();
    const { first = 'stem1', last = 'mixed10', classes = null, folded = true } = options;
    this.#stages = stagesBetween(first, last);
    this.#folded = folded;
    this.units = convolutionsOf(this.#stages).map(
      ({ shape }) => new ConvolutionUnit(device, random, shape, folded),
    );
    this.predictions =
      classes === null
        ? null
        : new Dense(device, random, { inputs: stageChannels.get('mixed10') as number, units: classes });
  }

  /**
   * Builds the network from weights named `conv2d_1.kernel`, `batch_normalization_1.beta` … in creation order; with
   * `predictions.*` among them it gets its top. Throws FormatError naming a weight that is missing or misshapen.
   */
  static fromWeights(
    device: Device,
    weights: ReadonlyMap<string, HostWeight>,
    options: Omit<InceptionOptions, 'classes'> = {},
    source = 'weights',
  ): InceptionV3 {
    const { first = 'stem1', last = 'mixed10', folded = true } = options;
    const top = last === 'mixed10' ? weights.get('predictions.kernel') : undefined;
    const loaded = new Map<string, HostWeight>();
    for (const [index, { shape, number }] of convolutionsOf(stagesBetween(first, last)).entries()) {
      const unit = readUnit(weights, number, shape, source);
      const prefix = `units.${index}`;
      if (folded) {
        const { kernel, bias } = fold(unit);
        loaded.set(`${prefix}.convolution.kernel`, { shape: shape.kernel, data: kernel });
        loaded.set(`${prefix}.convolution.bias`, { shape: [shape.kernel[3]], data: bias });
      } else {
        if (unit.gamma) {
          throw new UnsupportedError(
            `${source}: batch norm ${number} has a gamma; load it with folded: true`,
          );
        }
        loaded.set(`${prefix}.convolution.kernel`, unit.kernel);
        loaded.set(`${prefix}.normalisation.beta`, unit.beta);
        loaded.set(`${prefix}.normalisation.movingMean`, unit.movingMean);
        loaded.set(`${prefix}.normalisation.movingVariance`, unit.movingVariance);
      }
    }
    if (top) {
      for (const name of ['predictions.kernel', 'predictions.bias'])
        loaded.set(name, take(weights, name, source));
    }
    const model = new InceptionV3(device, null, { first, last, folded, classes: top ? top.shape[1] : null });
    model.load(loaded, source);
    return model;
  }

  /**
   * The outputs of the named stages ('stem1', 'stem2', 'mixed0' … 'mixed10') for [N, H, W, 3]; nothing above the last
   * of them is computed. Everything else is freed on the way.
   */
  forward(x: Tensor, outputs: readonly string[] = ['mixed10']): Map<string, Tensor> {
    const wanted = new Set(outputs).size;
    const names = this.#stages.map(({ name }) => name);
    const foreign = outputs.find((name) => !names.includes(name));
    if (foreign !== undefined || outputs.length === 0) {
      throw new UnsupportedError(
        `InceptionV3: the stage "${foreign ?? ''}" was asked for; this model has ${names.join(', ')}`,
      );
    }
    return scope(() => {
      const results = new Map<string, Tensor>();
      const units = this.units.values();
      // Batch norms that stand alone cannot write in place, and gradients need the branches' outputs by themselves.
      const inPlace = this.#folded && activeTape() === null;
      let value = x;
      for (const stage of this.#stages) {
        const input = value;
        const channels = stageChannels.get(stage.name) as number;
        value = scope(() => joinBranches(stage.branches, input, units, inPlace ? channels : null));
        if (input !== x && !outputs.includes(previousOf(stage.name))) input.dispose();
        if (outputs.includes(stage.name)) results.set(stage.name, value);
        if (results.size === wanted) break;
      }
      return results;
    });
  }

  /**
   * The weights under the names that {@link fromWeights} reads: `conv2d_1.kernel`, `batch_normalization_1.beta` … Of a
   * folded network a batch norm is what remains of it, a beta: mean 0, and a variance that with epsilon is 1.
   */
  async toWeights(): Promise<Map<string, HostWeight>> {
    const saved = new Map<string, HostWeight>();
    for (const [index, { number }] of convolutionsOf(this.#stages).entries()) {
      const parts = await this.units[index].normalised();
      const norm = `batch_normalization_${number}`;
      saved.set(`conv2d_${number}.kernel`, parts.kernel);
      saved.set(`${norm}.beta`, parts.beta);
      saved.set(`${norm}.moving_mean`, parts.movingMean);
      saved.set(`${norm}.moving_variance`, parts.movingVariance);
    }
    return saved;
  }

  /** Class probabilities [N, classes]; throws UnsupportedError for a model without its top. */
  predict(x: Tensor): Tensor {
    const { predictions } = this;
    if (!predictions) {
      throw new UnsupportedError(
        'InceptionV3: these weights have no top; load a file that has its last Dense layer',
      );
    }
    return scope(() => {
      const features = this.forward(x).get('mixed10') as Tensor;
      return predictions.forward(features.mean([1, 2])).softmax();
    });
  }
}

function previousOf(stage: string): string {
  return stages[stages.findIndex(({ name }) => name === stage) - 1]?.name ?? '';
}

/** The stages from `first` to `last`, in order. */
function stagesBetween(first: string, last: string): readonly Stage[] {
  const [from, to] = [first, last].map((wanted) => {
    const index = stages.findIndex(({ name }) => name === wanted);
    if (index >= 0) return index;
    throw new UnsupportedError(
      `InceptionV3: there is no stage "${wanted}"; give one of ${stages.map(({ name }) => name).join(', ')}`,
    );
  });
  if (from > to) {
    throw new UnsupportedError(
      `InceptionV3: the first stage is ${first}, which comes after the last, ${last}`,
    );
  }
  return stages.slice(from, to + 1);
}

/** The convolutions of some stages, each with its number, counted from 1, in the whole network. */
function convolutionsOf(some: readonly Stage[]): { shape: Convolution; number: number }[] {
  const names = new Set(some.map(({ name }) => name));
  return convolutions
    .map((shape, index) => ({ shape, number: index + 1 }))
    .filter(({ shape }) => names.has(shape.stage));
}

function readUnit(
  weights: ReadonlyMap<string, HostWeight>,
  number: number,
  { kernel }: Convolution,
  source: string,
): NormalisedKernel {
  const norm = `batch_normalization_${number}`;
  const channels = [kernel[3]];
  return {
    kernel: take(weights, `conv2d_${number}.kernel`, source, kernel),
    beta: take(weights, `${norm}.beta`, source, channels),
    movingMean: take(weights, `${norm}.moving_mean`, source, channels),
    movingVariance: take(weights, `${norm}.moving_variance`, source, channels),
    gamma: weights.has(`${norm}.gamma`) ? take(weights, `${norm}.gamma`, source, channels) : undefined,
  };
}

/** A weight checked and decoded. */
function take(
  weights: ReadonlyMap<string, HostWeight>,
  name: string,
  source: string,
  shape?: Shape,
): HostWeight {
  const weight = weights.get(name);
  if (!weight) throw new FormatError(`${source}: the weight "${name}" is missing; is this an InceptionV3?`);
  if (shape && !sameShape(weight.shape, shape)) {
    throw new FormatError(
      `${source}: the weight "${name}" is [${weight.shape.join(', ')}], InceptionV3 has [${shape.join(', ')}] there`,
    );
  }
  return { shape: weight.shape, data: weight.data };
}
