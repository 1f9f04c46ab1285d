import { EkphrasisError } from '../kernels/op/errors.ts';
import { membersOf } from './nested.ts';

/** Something that a scope frees: a tensor. */
export interface Scoped {
  dispose(): void;
}

/** Members of the open scopes, the innermost last. */
const open: Set<Scoped>[] = [];

/** Puts a new tensor under the innermost open scope, if there is one. */
export function enterScope(member: Scoped): void {
  open.at(-1)?.add(member);
}

/** An explicitly opened scope, for asynchronous code: `close(kept)` frees all but `kept`. */
export interface OpenScope {
  close(kept?: unknown): void;
}

/**
 * Opens a scope that stays open across `await`. Scopes close in the reverse order of their opening, so two
 * asynchronous functions must not interleave their scopes; closing out of order throws.
 */
export function openScope(): OpenScope {
  const members = new Set<Scoped>();
  open.push(members);
  return {
    close(kept) {
      if (!open.includes(members)) return;
      if (open.at(-1) !== members) {
        throw new EkphrasisError(
          'scope: closed out of order: a scope opened later is still open; close scopes in the reverse order of opening',
        );
      }
      open.pop();
      const survivors = collect(kept, members);
      for (const member of members) if (!survivors.has(member)) member.dispose();
      for (const member of survivors) enterScope(member);
    },
  };
}

/**
 * Runs `body` and frees every tensor that it made and did not return. Tensors are found in the returned value itself,
 * in arrays, in plain objects and in maps. Parameters are exempt. A Promise is refused, since the scope would close
 * before the work is done: use {@link openScope} there.
 */
export function scope<T>(body: () => T): T {
  const depth = open.length;
  const opened = openScope();
  try {
    const result = body();
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new EkphrasisError(
        'scope: the function returned a Promise, so its tensors would be freed too early; use openScope() and close()',
      );
    }
    opened.close(result);
    return result;
  } catch (error) {
    closeDownTo(depth);
    throw error;
  }
}

/** Frees all scopes but the outermost `depth`, those included that the failed body left open. */
function closeDownTo(depth: number): void {
  while (open.length > depth) for (const member of open.pop() ?? []) member.dispose();
}

/** Frees the tensors in a value: itself, in arrays, in plain objects and in maps. */
export function disposeAll(value: unknown): void {
  if (typeof value === 'object' && value !== null && 'dispose' in value) (value as Scoped).dispose();
  else for (const member of membersOf(value) ?? []) disposeAll(member);
}

/** The members found in `value`. */
function collect(value: unknown, members: ReadonlySet<Scoped>, found = new Set<Scoped>()): Set<Scoped> {
  if (members.has(value as Scoped)) found.add(value as Scoped);
  else for (const item of membersOf(value) ?? []) collect(item, members, found);
  return found;
}
