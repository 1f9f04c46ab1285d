import { EkphrasisError } from '../../../kernels/op/errors.ts';
import { scope } from '../../../tensor/scope.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { CaptionsObjective } from './captions-objective.ts';
import { EncoderObjective, type StageOutputs } from './encoder-objective.ts';
import type { FeaturesObjective } from './features-objective.ts';
import type { WordsObjective } from './words-objective.ts';

export type ObjectiveName = 'words' | 'captions' | 'features';

/** Objectives that are trained for at once, and what the loss of each is multiplied by. */
export interface JointOptions {
  readonly words?: WordsObjective | null;
  readonly captions?: CaptionsObjective | null;
  readonly features?: FeaturesObjective | null;
  /** Default 1 each. */
  readonly weights?: Partial<Readonly<Record<ObjectiveName, number>>>;
}

/** One objective or several: the weighted sum of their losses. */
export class JointObjective extends EncoderObjective {
  readonly words: WordsObjective | null;
  readonly captions: CaptionsObjective | null;
  readonly features: FeaturesObjective | null;
  readonly #weights: Partial<Readonly<Record<ObjectiveName, number>>>;

  /** Throws EkphrasisError where none is given. */
  constructor({ words = null, captions = null, features = null, weights = {} }: JointOptions) {
    super();
    this.words = words;
    this.captions = captions;
    this.features = features;
    this.#weights = weights;
    if (this.parts.length === 0)
      throw new EkphrasisError('JointObjective: no objective was given; give words, captions or features');
  }

  /** Those that there are, with their weights. */
  get parts(): readonly {
    readonly name: ObjectiveName;
    readonly part: EncoderObjective;
    readonly weight: number;
  }[] {
    const named = { words: this.words, captions: this.captions, features: this.features };
    return (['words', 'captions', 'features'] as const).flatMap((name) => {
      const part = named[name];
      return part ? [{ name, part, weight: this.#weights[name] ?? 1 }] : [];
    });
  }

  override loss(stages: StageOutputs, images: readonly number[]): Tensor {
    return scope(() =>
      this.parts
        .map(({ part, weight }) => {
          const loss = part.loss(stages, images);
          return weight === 1 ? loss : loss.scale(weight);
        })
        .reduce((sum, loss) => sum.add(loss)),
    );
  }
}
