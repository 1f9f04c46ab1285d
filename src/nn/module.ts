import { FormatError } from '../kernels/op/errors.ts';
import { type DeviceArray, type Shape, sameShape } from '../kernels/op/spec.ts';
import { Parameter } from '../tensor/parameter.ts';

/** A weight on the host. Its `data` may be decoded at every read: read it once. */
export interface HostWeight {
  readonly shape: Shape;
  readonly data: DeviceArray;
}

/**
 * A part of a network that holds parameters and other modules as its properties (or arrays of them). A parameter's
 * name is its path of property names joined by dots, as in `lstm.kernel`.
 */
export abstract class Module {
  #training = false;

  /** True while training: dropout drops, batch norm uses the batch. Set with `train()`. */
  get training(): boolean {
    return this.#training;
  }

  /** Switches this module and those in it to training (or back). */
  train(training = true): this {
    this.#training = training;
    for (const [, child] of this.#children()) if (child instanceof Module) child.train(training);
    return this;
  }

  /** All parameters by name, in the order of the properties. */
  parameters(): Map<string, Parameter> {
    const found = new Map<string, Parameter>();
    for (const [name, child] of this.#children()) {
      if (child instanceof Parameter) found.set(name, child);
      else for (const [inner, parameter] of child.parameters()) found.set(`${name}.${inner}`, parameter);
    }
    return found;
  }

  /** The parameters that an optimiser changes. */
  trainable(): Map<string, Parameter> {
    return new Map([...this.parameters()].filter(([, parameter]) => parameter.trainable));
  }

  /**
   * Loads every parameter by name. Throws FormatError naming what is missing or of another shape; names in `weights`
   * that the module lacks are refused unless `strict` is false.
   */
  load(weights: ReadonlyMap<string, HostWeight>, source = 'weights', strict = true): void {
    const parameters = this.parameters();
    for (const [name, parameter] of parameters) {
      const weight = weights.get(name);
      if (!weight) {
        throw new FormatError(`${source}: the weight "${name}" [${parameter.shape.join(', ')}] is missing`);
      }
      if (!sameShape(weight.shape, parameter.shape)) {
        throw new FormatError(
          `${source}: the weight "${name}" is [${weight.shape.join(', ')}], expected [${parameter.shape.join(', ')}]; ` +
            'do config.json and the weights belong together?',
        );
      }
    }
    const foreign = strict ? [...weights.keys()].find((name) => !parameters.has(name)) : undefined;
    if (foreign !== undefined)
      throw new FormatError(`${source}: the weight "${foreign}" belongs to no part of the model`);
    for (const [name, parameter] of parameters) parameter.load((weights.get(name) as HostWeight).data);
  }

  /** Reads every parameter back to the host. */
  async save(): Promise<Map<string, HostWeight>> {
    const saved = new Map<string, HostWeight>();
    for (const [name, parameter] of this.parameters()) {
      saved.set(name, { shape: parameter.shape, data: await parameter.data() });
    }
    return saved;
  }

  /** Frees every parameter. */
  dispose(): void {
    for (const parameter of this.parameters().values()) parameter.dispose();
  }

  *#children(): Generator<[string, Module | Parameter]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Module || value instanceof Parameter) yield [name, value];
      else if (Array.isArray(value)) {
        for (const [index, item] of value.entries()) {
          if (item instanceof Module || item instanceof Parameter) yield [`${name}.${index}`, item];
        }
      }
    }
  }
}
