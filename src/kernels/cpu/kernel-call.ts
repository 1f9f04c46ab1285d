import type { CallSpecs, OpDefinition, Placement } from '../op/op.ts';
import type { TensorSpec } from '../op/spec.ts';

/** Where a tensor's memory begins: a block of the arena, or while a plan is recorded a stand-in for one. */
export interface Place {
  readonly offset: number;
}

/** An op's work on memory that is at hand. */
export interface KernelCall<A> {
  readonly definition: OpDefinition<A>;
  readonly specs: CallSpecs<A>;
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
  readonly placement: Placement;
  /** The wider tensor that the output is a part of, or null where it has its memory to itself. */
  readonly into: TensorSpec | null;
  /** Whether the plain TypeScript op is asked for. */
  readonly plain: boolean;
}
