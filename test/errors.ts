/** The error of the expected kind that `body` throws or rejects with, for its message to be looked at. */
export async function errorOf<E extends Error>(
  kind: new (message: string) => E,
  body: () => unknown,
): Promise<E> {
  try {
    await body();
  } catch (error) {
    if (error instanceof kind) return error;
    throw error;
  }
  throw new Error(`expected ${kind.name}, nothing was thrown`);
}
