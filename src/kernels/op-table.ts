import type { OpAttributes, OpDefinition, OpName } from './op.ts';

/** Every op, by name. A row that is missing or of the wrong attributes is a type error. */
export const opTable: { readonly [K in OpName]: OpDefinition<OpAttributes[K]> } = {};
