import { FormatError, ShapeError } from '../../kernels/op/errors.ts';
import { type Shape, sameShape } from '../../kernels/op/spec.ts';
import { Parameter } from '../../tensor/parameter.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { HostWeight } from '../module.ts';

/** Changes parameters by their gradients; keeps what it remembers of each between steps. */
export abstract class Optimiser {
  /** Steps taken so far. */
  protected steps = 0;
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #memory = new Map<string, Parameter>();

  /** `parameters` by name, as `Module.trainable()` gives them; the names serve the checkpoints. */
  constructor(parameters: ReadonlyMap<string, Parameter>) {
    this.#parameters = parameters;
  }

  /** The parameters in the order in which `step` wants their gradients. */
  get parameters(): Parameter[] {
    return [...this.#parameters.values()];
  }

  /**
   * Applies one gradient per parameter, each of its parameter's shape and in the order of {@link parameters}; the
   * gradients stay the caller's. Throws ShapeError for another number of them or another shape.
   */
  step(gradients: readonly Tensor[], learningRate: number): void {
    if (gradients.length !== this.#parameters.size) {
      throw new ShapeError(
        `Optimiser.step: ${gradients.length} gradients were given for ${this.#parameters.size} parameters; ` +
          'give one for each of `parameters`, in their order',
      );
    }
    this.steps++;
    let index = 0;
    for (const [name, parameter] of this.#parameters) {
      this.update(name, parameter, gradients[index++], learningRate);
    }
  }

  /** What is remembered of every parameter, as the names of `remembered`; for checking a checkpoint. */
  protected abstract readonly roles: readonly string[];

  /** Changes one parameter. */
  protected abstract update(name: string, parameter: Parameter, gradient: Tensor, learningRate: number): void;

  /** What is remembered of a parameter under `role`; zeros at first. */
  protected remembered(name: string, role: string, parameter: Parameter): Parameter {
    const key = `${role}.${name}`;
    let memory = this.#memory.get(key);
    if (!memory) {
      memory = new Parameter(parameter.device, new Float32Array(parameter.size), parameter.shape, false);
      this.#memory.set(key, memory);
    }
    return memory;
  }

  /** Replaces parameters or memories by results of the update op, and frees the results. */
  protected assign(targets: readonly Parameter[], results: readonly Tensor[]): void {
    for (const [index, target] of targets.entries()) {
      target.assign(results[index]);
      results[index].dispose();
    }
  }

  /** All that is remembered, for a checkpoint. */
  async save(): Promise<{ steps: number; memory: Map<string, HostWeight> }> {
    const memory = new Map<string, HostWeight>();
    for (const [key, parameter] of this.#memory) {
      memory.set(key, { shape: parameter.shape, data: await parameter.data() });
    }
    return { steps: this.steps, memory };
  }

  /** Continues from a checkpoint; throws FormatError for one of another model or another optimiser. */
  restore(steps: number, memory: ReadonlyMap<string, HostWeight>): void {
    const expected = new Map<string, { name: string; role: string; parameter: Parameter }>();
    if (steps > 0) {
      for (const [name, parameter] of this.#parameters) {
        for (const role of this.roles) expected.set(`${role}.${name}`, { name, role, parameter });
      }
    }
    const keys = new Set([...expected.keys(), ...memory.keys()]);
    for (const key of keys) {
      const wanted = expected.get(key)?.parameter.shape;
      const given = memory.get(key)?.shape;
      if (wanted && given && sameShape(wanted, given)) continue;
      const spelt = (shape?: Shape) => (shape ? `[${shape.join(', ')}]` : 'nothing');
      throw new FormatError(
        `Optimiser.restore: the checkpoint remembers ${spelt(given)} as "${key}", this optimiser ${spelt(wanted)}; ` +
          'is it of another model or another optimiser?',
      );
    }
    this.dispose();
    this.steps = steps;
    for (const [key, { name, role, parameter }] of expected) {
      this.remembered(name, role, parameter).load((memory.get(key) as HostWeight).data);
    }
  }

  /** Frees what is remembered. */
  dispose(): void {
    for (const memory of this.#memory.values()) memory.dispose();
    this.#memory.clear();
  }
}
