// Values that hold tensors: arrays, plain objects and maps of them, however deep. Anything else is not looked into.
import type { TensorSpec } from '../kernels/op/spec.ts';

/** A structure of tensors (or of specs) with specs in their place. */
export type Specs<T> = T extends TensorSpec
  ? TensorSpec
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<K, Specs<V>>
    : T extends object
      ? { readonly [K in keyof T]: Specs<T[K]> }
      : T;

/** What a value holds, or null where it is not looked into. */
export function membersOf(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.values()];
  return isPlain(value) ? Object.values(value) : null;
}

/** The structure with `replace` of everything in it that is not looked into, in order. */
export function mapNested(value: unknown, replace: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((member) => mapNested(member, replace));
  if (value instanceof Map)
    return new Map([...value].map(([key, member]) => [key, mapNested(member, replace)]));
  if (isSpec(value) || !isPlain(value)) return replace(value);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mapNested(member, replace)]));
}

/**
 * What of `value` stands where `pattern` has its specs, in the order of the pattern; undefined where a member is missing
 * and null where one is too many.
 */
export function leavesAlong(pattern: unknown, value: unknown): unknown[] {
  const parts = isSpec(pattern) ? null : membersOf(pattern);
  if (!parts) return isSpec(pattern) ? [value] : [];
  const members = isPlain(pattern) ? Object.keys(pattern).map((key) => Object(value)[key]) : membersOf(value);
  const missing = parts.length - (members?.length ?? 0);
  if (missing < 0) return [null];
  return parts.flatMap((part, index) => leavesAlong(part, members?.[index]));
}

/** Whether a value says the shape and type of a tensor. */
export function isSpec(value: unknown): value is TensorSpec {
  return typeof value === 'object' && value !== null && 'shape' in value && 'dtype' in value;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
