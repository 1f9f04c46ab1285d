import type { Operand } from '../device.ts';
import { UnsupportedError } from '../op/errors.ts';
import type { GpuCall, OpDefinition } from '../op/op.ts';
import { densePlacement } from '../op/placement.ts';
import { describe, type TensorSpec } from '../op/spec.ts';
import { type TunedChoices, tuningKey } from '../profiling/tuning.ts';

/** Runs ops whose definition is at hand. */
export interface Executor {
  execute<A>(
    definition: OpDefinition<A>,
    inputs: readonly Operand[],
    attributes: A,
    variant?: string,
  ): Operand[];
}

/** A call that can be run in several variants. */
export interface TunableCall {
  readonly op: string;
  readonly inputs: readonly TensorSpec[];
  readonly shapes: string;
  readonly variants: readonly string[];
  run(on: Executor, inputs: readonly Operand[], variant: string): Operand[];
}

/** Decides which variant a call takes: the one asked for, else the one that tuning found, else the op's preferred one. */
export class VariantChoice {
  #tuned: Map<string, string>;
  #observed: Map<string, TunableCall> | null = null;

  constructor(tuned: TunedChoices) {
    this.#tuned = new Map(tuned);
  }

  get tuned(): TunedChoices {
    return this.#tuned;
  }

  /** Throws UnsupportedError where the call has no variant of the name that is asked for. */
  choose<A>(definition: OpDefinition<A>, call: GpuCall<A>, asked: string | undefined): string {
    const variants = definition.variants?.(call) ?? ['default'];
    if (asked !== undefined) {
      if (variants.includes(asked)) return asked;
      throw new UnsupportedError(
        `${definition.name}: no variant ${asked} for this call; there is ${variants.join(', ')}`,
      );
    }
    if (variants.length === 1 || (this.#tuned.size === 0 && !this.#observed)) return variants[0];
    const key = tuningKey(definition.name, call);
    if (this.#observed && !this.#observed.has(key)) {
      this.#observed.set(key, tunable(definition, call));
    }
    const tuned = this.#tuned.get(key);
    // Choices may be of earlier kernels, of which some are gone.
    return tuned !== undefined && variants.includes(tuned) ? tuned : variants[0];
  }

  /** Every call with more than one variant that is decided on while `body` runs, by its key. */
  async observe(body: () => unknown): Promise<ReadonlyMap<string, TunableCall>> {
    if (this.#observed)
      throw new UnsupportedError('tune: the device is being tuned already; let that end first');
    const observed = new Map<string, TunableCall>();
    this.#observed = observed;
    try {
      await body();
      return observed;
    } finally {
      this.#observed = null;
    }
  }

  adopt(key: string, variant: string): void {
    this.#tuned.set(key, variant);
  }
}

/** The call as it is timed: with its output to itself. */
function tunable<A>(definition: OpDefinition<A>, call: GpuCall<A>): TunableCall {
  const { inputs, outputs, attributes } = call;
  const variants = definition.variants?.({ ...call, placement: densePlacement(outputs[0]) }) ?? ['default'];
  return {
    op: definition.name,
    inputs,
    shapes: `${inputs.map(describe).join(', ')} -> ${outputs.map(describe).join(', ')}`,
    variants,
    run: (on, operands, variant) => on.execute(definition, operands, attributes, variant),
  };
}
