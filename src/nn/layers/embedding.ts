import type { Device } from '../../kernels/device.ts';
import { gather } from '../../tensor/functions.ts';
import { Parameter } from '../../tensor/parameter.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type Initialiser, initialise, randomUniform } from '../initialisers.ts';
import { Module } from '../module.ts';
import type { Random } from '../random.ts';

export interface EmbeddingOptions {
  /** Number of ids. */
  readonly vocabulary: number;
  /** Width of a vector. */
  readonly units: number;
  /** Default uniform in ±0.05, as in Keras. */
  readonly initialiser?: Initialiser;
}

/** Vectors by id: int32 [...] → [..., units]. */
export class Embedding extends Module {
  readonly embeddings: Parameter;

  constructor(device: Device, random: Random | null, options: EmbeddingOptions) {
    super();
    const { vocabulary, units, initialiser = randomUniform() } = options;
    this.embeddings = new Parameter(device, initialise(initialiser, [vocabulary, units], random), [
      vocabulary,
      units,
    ]);
  }

  forward(ids: Tensor): Tensor {
    return gather(this.embeddings, ids);
  }
}
