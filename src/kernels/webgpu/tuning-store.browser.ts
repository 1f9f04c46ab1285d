import { UnsupportedError } from '../op/errors.ts';

/** What a page keeps for a target, and where. Null where there is nothing. */
export async function readTuningText(target: string): Promise<{ text: string; place: string } | null> {
  try {
    const text = localStorage.getItem(keyOf(target));
    return text === null ? null : { text, place: placeOf(target) };
  } catch {
    // A worker has no local storage, and a page may be denied it.
    return null;
  }
}

/** Keeps a text for a target and says where. Rejects with UnsupportedError where the browser does not let it. */
export async function writeTuningText(target: string, text: string): Promise<string> {
  try {
    localStorage.setItem(keyOf(target), text);
    return placeOf(target);
  } catch (cause) {
    throw new UnsupportedError(
      `tune: the choices hold for this device but cannot be kept: this page has no local storage (${String(cause)})`,
      { cause },
    );
  }
}

function keyOf(target: string): string {
  return `ekphrasis tuning ${target}`;
}

function placeOf(target: string): string {
  return `the local storage of ${location.origin}, "${keyOf(target)}"`;
}
