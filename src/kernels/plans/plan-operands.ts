import type { Device, Operand, Storage } from '../device.ts';
import { DTypeError, ShapeError } from '../op/errors.ts';
import { describe, sameShape, type TensorSpec } from '../op/spec.ts';

/** Where an output comes from: memory that a run allocates (by its number among such), an input, or from outside. */
type Source = { readonly made: number } | { readonly input: number } | { readonly outside: Storage };

/** What a plan takes and puts out, with the stand-ins `P` that its recording knows them by. */
export class PlanOperands<P> {
  /** Stand-ins of the inputs. */
  readonly inputs: readonly P[];
  /** Stand-ins of what every run allocates. */
  readonly made: readonly P[];
  /** Storages from outside of the plan that are put out as they are. */
  readonly outside: readonly Storage[];
  readonly #inputSpecs: readonly TensorSpec[];
  readonly #outputs: readonly { readonly spec: TensorSpec; readonly source: Source }[];

  /** `inputs` and `outputs` are what the captured function took and gave back; `planned` tells stand-ins. */
  constructor(
    inputs: readonly Operand[],
    outputs: readonly Operand[],
    planned: (storage: Storage) => P | null,
  ) {
    this.inputs = inputs.map(({ storage }) => planned(storage) as P);
    const made: P[] = [];
    const outside: Storage[] = [];
    this.#inputSpecs = inputs.map(({ spec }) => spec);
    this.#outputs = outputs.map(({ storage, spec }) => {
      const place = planned(storage);
      if (place === null) {
        outside.push(storage);
        return { spec, source: { outside: storage } };
      }
      const input = this.inputs.indexOf(place);
      if (input >= 0) return { spec, source: { input } };
      if (!made.includes(place)) made.push(place);
      return { spec, source: { made: made.indexOf(place) } };
    });
    this.made = made;
    this.outside = outside;
  }

  get outputSpecs(): readonly TensorSpec[] {
    return this.#outputs.map(({ spec }) => spec);
  }

  /** Throws ShapeError or DTypeError unless a run is given what the plan was made for. */
  check(given: readonly Operand[]): void {
    const list = (specs: readonly TensorSpec[]) => specs.map(describe).join(', ') || 'none';
    const specs = given.map(({ spec }) => spec);
    const what = `plan: inputs ${list(specs)} given, ${list(this.#inputSpecs)} expected`;
    const sameShapes =
      specs.length === this.#inputSpecs.length &&
      specs.every(({ shape }, index) => sameShape(shape, this.#inputSpecs[index].shape));
    if (!sameShapes) throw new ShapeError(`${what}; capture a plan for these shapes`);
    if (specs.some(({ dtype }, index) => dtype !== this.#inputSpecs[index].dtype)) {
      throw new DTypeError(`${what}; cast them`);
    }
  }

  /** The outputs of a run, each with a holder of its own, from its inputs and from what it allocated. */
  results(device: Device, given: readonly Operand[], allocated: readonly Storage[]): Operand[] {
    const held = new Set<Storage>();
    return this.#outputs.map(({ spec, source }) => {
      if ('made' in source) {
        const storage = allocated[source.made];
        // What is new has a holder already.
        if (held.has(storage)) device.retain(storage);
        held.add(storage);
        return { storage, spec };
      }
      const storage = 'input' in source ? given[source.input].storage : source.outside;
      device.retain(storage);
      return { storage, spec };
    });
  }
}
