import { FormatError } from '../kernels/op/errors.ts';
import { Parameter } from '../tensor/parameter.ts';
import { scope } from '../tensor/scope.ts';
import type { HostWeight } from './module.ts';

/**
 * An exponential moving average of parameters (Polyak and Juditsky 1992): after each step, average′ = decay · average +
 * (1 − decay) · parameter. The average of the last steps often does better than the last step. At step t the decay is
 * at most (1 + t) / (10 + t), so that the start is soon forgotten.
 */
export class MovingAverage {
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #averages = new Map<string, Parameter>();
  readonly #decay: number;
  #steps = 0;

  /** Begins with the parameters as they are, `values` being what they hold. */
  constructor(
    parameters: ReadonlyMap<string, Parameter>,
    values: ReadonlyMap<string, HostWeight>,
    decay: number,
  ) {
    this.#parameters = parameters;
    this.#decay = decay;
    for (const [name, parameter] of parameters) {
      const { data } = values.get(name) as HostWeight;
      this.#averages.set(
        name,
        new Parameter(parameter.device, Float32Array.from(data), parameter.shape, false),
      );
    }
  }

  /** The averages by the parameters' names. */
  get averages(): ReadonlyMap<string, Parameter> {
    return this.#averages;
  }

  /** Takes in the parameters after a step. */
  update(): void {
    this.#steps++;
    const decay = Math.min(this.#decay, (1 + this.#steps) / (10 + this.#steps));
    for (const [name, parameter] of this.#parameters) {
      const average = this.#averages.get(name) as Parameter;
      scope(() => average.assign(average.scale(decay).add(parameter.scale(1 - decay))));
    }
  }

  /** Number of updates, and the averages, for a checkpoint. */
  async save(): Promise<{ steps: number; averages: Map<string, HostWeight> }> {
    const averages = new Map<string, HostWeight>();
    for (const [name, average] of this.#averages) {
      averages.set(name, { shape: average.shape, data: await average.data() });
    }
    return { steps: this.#steps, averages };
  }

  /** Goes on from a checkpoint; throws FormatError where it lacks a parameter. */
  restore(steps: number, averages: ReadonlyMap<string, HostWeight>): void {
    this.#steps = steps;
    for (const [name, average] of this.#averages) {
      const saved = averages.get(name);
      if (!saved)
        throw new FormatError(`the checkpoint has no average of "${name}"; is it of another training?`);
      average.load(saved.data);
    }
  }

  dispose(): void {
    for (const average of this.#averages.values()) average.dispose();
  }
}
