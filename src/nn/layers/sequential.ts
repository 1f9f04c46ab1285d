import { scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { Module } from '../module.ts';

/** A module of one input and one output. */
export type Layer = Module & { forward(x: Tensor): Tensor };

/** Layers one after the other. */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: Layer[]) {
    super();
    this.layers = layers;
  }

  forward(x: Tensor): Tensor {
    return scope(() => this.layers.reduce((value, layer) => layer.forward(value), x));
  }
}
