import { FormatError } from '../../kernels/op/errors.ts';

/** A JSON object whose members are not yet known to have any type. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True of an object, not of an array or null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a message calls a value of the wrong kind: its JSON text, cut short. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The value as an object. @throws FormatError beginning with `where`. */
export function expectObject(value: unknown, where: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new FormatError(`${where} must be a JSON object, but is ${shown(value)}`);
}

/** The value as an array. @throws FormatError beginning with `where`. */
export function expectArray(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new FormatError(`${where} must be a JSON array, but is ${shown(value)}`);
}

/** The value as text with something in it. @throws FormatError beginning with `where`. */
export function expectText(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new FormatError(`${where} must be a text, but is ${shown(value)}`);
}

/** The value as a finite number. @throws FormatError beginning with `where`. */
export function expectNumber(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new FormatError(`${where} must be a number, but is ${shown(value)}`);
}

/** The value as an array's shape: whole numbers from 0. @throws FormatError beginning with `where`. */
export function expectShape(value: unknown, where: string): number[] {
  return expectArray(value, where).map((size) => {
    if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size;
    throw new FormatError(`${where} must hold whole numbers from 0, but holds ${shown(size)}`);
  });
}

/** The object that a text holds as JSON. @throws FormatError beginning with `where`. */
export function parseJsonObject(text: string, where: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${where} is not valid JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  return expectObject(value, where);
}
