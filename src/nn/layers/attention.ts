import type { Device } from '../../kernels/device.ts';
import { additiveScores, gather, matmulChosen, rowNumbers } from '../../tensor/functions.ts';
import { scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Module } from '../module.ts';
import type { Random } from '../random.ts';
import { Dense } from './dense.ts';

export interface BahdanauAttentionOptions {
  /** Channels of a place of the grid. */
  readonly channels: number;
  /** Width of the query. */
  readonly query: number;
  readonly units: number;
  /**
   * Whether the context is multiplied, channel by channel, with a sigmoid of the query (Xu et al. 2015, arXiv
   * 1502.03044, section 4.2.1). Default false.
   */
  readonly gate?: boolean;
}

/** Additive attention (Bahdanau et al. 2015): score = V · tanh(W₁ · place + W₂ · query). */
export class BahdanauAttention extends Module {
  readonly features: Dense;
  readonly hidden: Dense;
  /** Its bias changes no weight, for softmax does not see what all scores have in common; files of Keras have it. */
  readonly score: Dense;
  readonly gate: Dense | null = null;

  constructor(device: Device, random: Random | null, options: BahdanauAttentionOptions) {
    super();
    const { channels, query, units, gate = false } = options;
    this.features = new Dense(device, random, { inputs: channels, units });
    this.hidden = new Dense(device, random, { inputs: query, units });
    this.score = new Dense(device, random, { inputs: units, units: 1 });
    if (gate)
      this.gate = new Dense(device, random, { inputs: query, units: channels, activation: 'sigmoid' });
  }

  /** W₁ · grid: [N, P, channels] → [N, P, units]. The same at every step of a sentence, so computed once. */
  keys(grid: Tensor): Tensor {
    return this.features.forward(grid);
  }

  /**
   * The context [B, channels] of a query [B, query], gated where there is a gate, and the weights [B, P] of the places.
   * `choice`, int32 [B], has the number of each query's grid among N; without it each has one of its own.
   */
  forward(grid: Tensor, keys: Tensor, query: Tensor, choice?: Tensor): { context: Tensor; weights: Tensor } {
    return scope(() => {
      const numbers = choice ?? rowNumbers(grid.device, grid.shape[0]);
      const score = this.score.kernel.reshape([-1]);
      const weights = additiveScores(keys, this.hidden.forward(query), score, numbers).softmax();
      const seen = matmulChosen(weights, grid, numbers);
      return { context: this.gate ? seen.multiply(this.gate.forward(query)) : seen, weights };
    });
  }
}

/** The mean place of each grid [N, P, channels], given to those who look at it by `choice`, int32 [B] → [B, channels]. */
export function meanPlaces(grid: Tensor, choice: Tensor): Tensor {
  return scope(() => gather(grid.mean([1]), choice));
}
