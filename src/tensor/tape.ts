import type { Device, Operand } from '../kernels/device.ts';
import type { GradientContext, Value } from '../kernels/op/op.ts';

/** A tensor as the tape remembers it: its identity, and its elements, held until the tape is done with them. */
export interface Recorded {
  readonly id: number;
  readonly operand: Operand;
}

/** An op's gradient once its attributes' type is forgotten; it gets back the attributes it was recorded with. */
export type RecordedGradient = (context: GradientContext<never>) => (Value | null)[];

export interface TapeEntry {
  /** Name of the op or function, for messages. */
  readonly op: string;
  readonly gradient: 'none' | RecordedGradient;
  readonly attributes: unknown;
  readonly device: Device;
  readonly inputs: readonly Recorded[];
  readonly outputs: readonly Recorded[];
  /** What else a gradient written by hand wants to find again. */
  readonly saved?: readonly Recorded[];
}

/**
 * Remembers the ops that lead from the watched tensors to a loss, in order. It holds references of its own to the
 * storages it may need, so that a scope may free the tensors meanwhile.
 */
export class Tape {
  readonly #tracked: Set<number>;
  readonly #entries: TapeEntry[] = [];

  constructor(watched: Iterable<number>) {
    this.#tracked = new Set(watched);
  }

  tracks(id: number): boolean {
    return this.#tracked.has(id);
  }

  /** Keeps the entry if it depends on a watched tensor. */
  record(entry: TapeEntry): void {
    if (!entry.inputs.some((input) => this.#tracked.has(input.id))) return;
    for (const { operand } of held(entry)) entry.device.retain(operand.storage);
    for (const output of entry.outputs) this.#tracked.add(output.id);
    this.#entries.push(entry);
  }

  /** Takes the newest entry off; give it to {@link release} when done. */
  pop(): TapeEntry | undefined {
    return this.#entries.pop();
  }

  release(entry: TapeEntry): void {
    for (const { operand } of held(entry)) entry.device.release(operand.storage);
  }

  /** Releases all that is left. */
  clear(): void {
    for (let entry = this.pop(); entry; entry = this.pop()) this.release(entry);
  }
}

function held({ inputs, outputs, saved = [] }: TapeEntry): Recorded[] {
  return [...inputs, ...outputs, ...saved];
}

let active: Tape | null = null;

export function activeTape(): Tape | null {
  return active;
}

/** Runs `body` with `tape` recording (null: with nothing recording). */
export function withTape<T>(tape: Tape | null, body: () => T): T {
  const previous = active;
  active = tape;
  try {
    return body();
  } finally {
    active = previous;
  }
}
