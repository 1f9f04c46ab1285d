import { FormatError } from '../op/errors.ts';
import type { AdapterFacts, CallSpecs } from '../op/op.ts';
import { describe } from '../op/spec.ts';
import { version } from '../version.ts';

/** Variants by the key of the calls that they were found to be the fastest for. */
export type TunedChoices = ReadonlyMap<string, string>;

/** What was found for one class of calls. */
export interface TunedCall {
  readonly op: string;
  readonly shapes: string;
  /** The variant that calls like this one take from now on. */
  readonly variant: string;
  /** The one that they take without tuning. */
  readonly preferred: string;
  /** Milliseconds of a call in either; infinite where the preferred one does not run on this adapter. */
  readonly milliseconds: number;
  readonly preferredMilliseconds: number;
}

export interface TuningReport {
  readonly calls: readonly TunedCall[];
  /** Why variants could not run, a line each. */
  readonly failures: readonly string[];
  /** Where the choices are kept, for people. */
  readonly place: string;
}

/** Hears how many classes of calls are tuned, of how many. */
export type TuningProgress = (done: number, total: number) => void;

/**
 * What a choice of variant depends on. Calls that differ in the size of the batch alone, and not by a power of two,
 * share one: a beam of 3 and one of 4, a last batch and the full ones.
 */
export function tuningKey(op: string, { inputs, attributes }: CallSpecs<unknown>): string {
  const batch = inputs[0]?.shape[0] ?? 0;
  const shapes = inputs.map(({ shape, dtype }) => {
    const [first, ...rest] = shape;
    return describe({ shape: first === batch && batch > 0 ? [powerOfTwo(batch), ...rest] : shape, dtype });
  });
  return `${op} ${shapes.join(', ')} ${canonical(attributes)}`;
}

function powerOfTwo(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}

/** JSON with the fields in the order of their names, whoever wrote the object. */
function canonical(attributes: unknown): string {
  const fields = Object.entries(attributes as Record<string, unknown>);
  return JSON.stringify(Object.fromEntries(fields.sort(([one], [other]) => (one < other ? -1 : 1))));
}

/** What a set of choices is for: an adapter with its driver, and this version of the kernels. */
export function tuningTarget({ vendor, architecture, description }: AdapterFacts): string {
  return [vendor, architecture, description, `ekphrasis ${version}`].filter(Boolean).join(' · ');
}

const FORMAT = 'ekphrasis-tuning';

export function writeTuning(choices: TunedChoices, target: string): string {
  const sorted = [...choices].sort(([one], [other]) => (one < other ? -1 : 1));
  return `${JSON.stringify({ format: FORMAT, target, choices: Object.fromEntries(sorted) }, null, 2)}\n`;
}

/** Reads what `writeTuning` wrote. Throws FormatError for anything else, and for choices that are for another target. */
export function readTuning(text: string, target: string): TunedChoices {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('they are not JSON', { cause });
  }
  const { format, target: written, choices } = (parsed ?? {}) as Record<string, unknown>;
  if (format !== FORMAT) throw new FormatError(`they are not of the format ${FORMAT}`);
  if (written !== target) throw new FormatError(`they are for ${String(written)}, this is ${target}`);
  if (typeof choices !== 'object' || choices === null) throw new FormatError('they have no field "choices"');
  const entries: [string, unknown][] = Object.entries(choices);
  const named = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (named.length < entries.length) throw new FormatError('they name something else than variants');
  return new Map(named);
}
