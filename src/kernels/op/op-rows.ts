import type { OpDefinition } from './op.ts';

/** An op for each row of a table, under the row's name. */
export function opsOf<Name extends string, Row, A>(
  rows: Readonly<Record<Name, Row>>,
  define: (name: Name, row: Row) => OpDefinition<A>,
): Readonly<Record<Name, OpDefinition<A>>> {
  const names = Object.keys(rows) as Name[];
  return Object.fromEntries(names.map((name) => [name, define(name, rows[name])])) as Record<
    Name,
    OpDefinition<A>
  >;
}
