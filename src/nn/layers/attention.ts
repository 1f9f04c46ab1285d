import type { Device } from '../../kernels/device.ts';
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
}

/** Additive attention (Bahdanau et al. 2015): score = V · tanh(W₁ · place + W₂ · query). */
export class BahdanauAttention extends Module {
  readonly features: Dense;
  readonly hidden: Dense;
  readonly score: Dense;

  constructor(device: Device, random: Random | null, { channels, query, units }: BahdanauAttentionOptions) {
    super();
    this.features = new Dense(device, random, { inputs: channels, units });
    this.hidden = new Dense(device, random, { inputs: query, units });
    this.score = new Dense(device, random, { inputs: units, units: 1 });
  }

  /** W₁ · grid: [B, P, channels] → [B, P, units]. The same at every step of a sentence, so computed once. */
  keys(grid: Tensor): Tensor {
    return this.features.forward(grid);
  }

  /** The context [B, channels] of a query [B, query], and the weights [B, P] of the places. */
  forward(grid: Tensor, keys: Tensor, query: Tensor): { context: Tensor; weights: Tensor } {
    const [batch, places] = grid.shape;
    return scope(() => {
      const asked = this.hidden.forward(query).reshape([batch, 1, -1]);
      const scores = this.score.forward(keys.add(asked).tanh());
      const weights = scores.reshape([batch, places]).softmax();
      const context = grid.multiply(weights.reshape([batch, places, 1])).sum([1]);
      return { context, weights };
    });
  }
}
